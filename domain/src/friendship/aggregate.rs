//! The state of a pair and the decisions over it.

use super::{FriendshipAct, FriendshipCommand, FriendshipError, FriendshipEvent};
use crate::{Aggregate, AggregateType, Pace, Spent, Timestamp, UserId, handle_by_deciding};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The time after a rejection before the same person may request again, in milliseconds: 30 days.
pub const REJECTED_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// The rate limit of one person's requests to the other, withdrawn ones included.
pub const REQUESTS: Pace = Pace { burst: 3, every_ms: 8 * 60 * 60 * 1_000 };
/// The rate limit of lifting a block. Blocking is never refused.
pub const UNBLOCKS: Pace = Pace { burst: 10, every_ms: 60 * 60 * 1_000 };

/// The relation of two people, apart from blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// No relation.
    #[default]
    Strangers,
    /// A pending request by this person.
    Requested(UserId),
    /// Friends.
    Friends,
}

/// The state of a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Friendship {
    standing: Standing,
    blocked_by: BTreeSet<UserId>,
    /// The times of each person's last rejected request.
    #[serde(default)]
    rejected: BTreeMap<UserId, Timestamp>,
    /// Each person's use of [`REQUESTS`].
    #[serde(default)]
    requests: BTreeMap<UserId, Spent>,
    /// Each person's use of [`UNBLOCKS`].
    #[serde(default)]
    unblocks: BTreeMap<UserId, Spent>,
}

impl Friendship {
    /// Their relation.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// True if `user` has blocked the other.
    #[must_use]
    pub fn is_blocked_by(&self, user: UserId) -> bool {
        self.blocked_by.contains(&user)
    }

    /// True if one has blocked the other.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.blocked_by.is_empty()
    }

    /// Refuses `by` to approach `with` (write to them, befriend them, add them to a group) across a block.
    ///
    /// # Errors
    /// [`FriendshipError::NotFound`] when `with` has blocked `by` (who must not learn of it), or
    /// [`FriendshipError::BlockedByYou`].
    pub fn may_approach(&self, by: UserId, with: UserId) -> Result<(), FriendshipError> {
        if self.is_blocked_by(with) {
            return Err(FriendshipError::NotFound);
        }
        if self.is_blocked_by(by) { Err(FriendshipError::BlockedByYou) } else { Ok(()) }
    }

    /// True with a relation or a block that `user` knows of: acts on it then get their own answer,
    /// even when the other is hidden.
    #[must_use]
    pub fn is_known_to(&self, user: UserId) -> bool {
        self.standing != Standing::Strangers || self.is_blocked_by(user)
    }

    fn may_request(&self, by: UserId, now: Timestamp) -> Result<(), FriendshipError> {
        let rejected = self.rejected.get(&by);
        if rejected.is_some_and(|at| now.millis().saturating_sub(at.millis()) < REJECTED_MS) {
            return Err(FriendshipError::RequestRejected);
        }
        within(REQUESTS, self.requests.get(&by), now)
    }
}

fn within(pace: Pace, spent: Option<&Spent>, now: Timestamp) -> Result<(), FriendshipError> {
    match pace.wait_ms(spent.copied().unwrap_or_default(), now) {
        Some(wait_ms) => Err(FriendshipError::TooOften { wait_ms }),
        None => Ok(()),
    }
}

fn spend(pace: Pace, of: &mut BTreeMap<UserId, Spent>, by: UserId, at: Option<Timestamp>) {
    if let Some(at) = at {
        let spent = of.entry(by).or_default();
        *spent = pace.spend(*spent, at);
    }
}

impl Aggregate for Friendship {
    const AGGREGATE: AggregateType = AggregateType::Friendship;

    fn decide(
        &self,
        FriendshipCommand { by, with, act, now }: FriendshipCommand,
    ) -> Result<Vec<FriendshipEvent>, FriendshipError> {
        use FriendshipAct as Act;
        use FriendshipEvent as Event;
        if by == with {
            return Err(FriendshipError::Oneself);
        }
        let event = match (act, self.standing) {
            (Act::Request, standing) => {
                self.may_approach(by, with)?;
                match standing {
                    Standing::Strangers => {
                        self.may_request(by, now)?;
                        Event::Requested { by, with, at: Some(now) }
                    }
                    Standing::Requested(requester) if requester == by => return Ok(vec![]),
                    Standing::Requested(_) => Event::Accepted { by, with },
                    Standing::Friends => return Err(FriendshipError::AlreadyFriends),
                }
            }
            (Act::Accept, Standing::Requested(requester)) if requester == with => Event::Accepted { by, with },
            (Act::Reject, Standing::Requested(requester)) if requester == with => {
                Event::Rejected { by, with, at: Some(now) }
            }
            (Act::Cancel, Standing::Requested(requester)) if requester == by => Event::Cancelled { by, with },
            (Act::Accept, Standing::Friends) => return Ok(vec![]),
            (Act::Accept | Act::Reject | Act::Cancel, _) => return Err(FriendshipError::RequestNotFound),
            (Act::Block, _) if self.is_blocked_by(by) => return Ok(vec![]),
            (Act::Block, _) => Event::Blocked { by, with },
            (Act::Unblock, _) if self.is_blocked_by(by) => {
                within(UNBLOCKS, self.unblocks.get(&by), now)?;
                Event::Unblocked { by, with, at: Some(now) }
            }
            (Act::Unblock, _) => return Err(FriendshipError::NotBlocked),
            (Act::Unfriend, Standing::Friends) => Event::Unfriended { by, with },
            (Act::Unfriend, _) => return Err(FriendshipError::NotFriends),
        };
        Ok(vec![event])
    }
}

impl cqrs_es::Aggregate for Friendship {
    const TYPE: &'static str = AggregateType::Friendship.as_str();
    type Command = FriendshipCommand;
    type Event = FriendshipEvent;
    type Error = FriendshipError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: FriendshipEvent) {
        match event {
            FriendshipEvent::Requested { by, at, .. } => {
                self.standing = Standing::Requested(by);
                spend(REQUESTS, &mut self.requests, by, at);
            }
            FriendshipEvent::Accepted { .. } => {
                self.standing = Standing::Friends;
                self.rejected.clear();
            }
            FriendshipEvent::Rejected { with, at, .. } => {
                self.standing = Standing::Strangers;
                self.rejected.extend(at.map(|at| (with, at)));
            }
            FriendshipEvent::Cancelled { .. } | FriendshipEvent::Unfriended { .. } => {
                self.standing = Standing::Strangers;
            }
            FriendshipEvent::Blocked { by, .. } => {
                self.standing = Standing::Strangers;
                self.blocked_by.insert(by);
            }
            FriendshipEvent::Unblocked { by, at, .. } => {
                self.blocked_by.remove(&by);
                spend(UNBLOCKS, &mut self.unblocks, by, at);
            }
        }
    }
}
