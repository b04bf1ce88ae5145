//! The state of a pair and the decisions over it.

use super::{FriendshipAct, FriendshipCommand, FriendshipError, FriendshipEvent};
use crate::{Aggregate, AggregateType, UserId, handle_by_deciding};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How two people stand, blocks aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Nothing between them.
    #[default]
    Strangers,
    /// A request by the named one waits for an answer.
    Requested(UserId),
    /// Friends.
    Friends,
}

/// The state of a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Friendship {
    standing: Standing,
    blocked_by: BTreeSet<UserId>,
}

impl Friendship {
    /// How they stand.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether `user` has blocked the other.
    #[must_use]
    pub fn is_blocked_by(&self, user: UserId) -> bool {
        self.blocked_by.contains(&user)
    }

    /// Whether either has blocked the other.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.blocked_by.is_empty()
    }

    /// Whether `by` may approach `with`: write to them, befriend them, add them to a group.
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
}

impl Aggregate for Friendship {
    const AGGREGATE: AggregateType = AggregateType::Friendship;

    fn decide(
        &self,
        FriendshipCommand { by, with, act }: FriendshipCommand,
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
                    Standing::Strangers => Event::Requested { by, with },
                    Standing::Requested(requester) if requester == by => return Ok(vec![]),
                    Standing::Requested(_) => Event::Accepted { by, with },
                    Standing::Friends => return Err(FriendshipError::AlreadyFriends),
                }
            }
            (Act::Accept, Standing::Requested(requester)) if requester == with => Event::Accepted { by, with },
            (Act::Reject, Standing::Requested(requester)) if requester == with => Event::Rejected { by, with },
            (Act::Cancel, Standing::Requested(requester)) if requester == by => Event::Cancelled { by, with },
            (Act::Accept, Standing::Friends) => return Ok(vec![]),
            (Act::Accept | Act::Reject | Act::Cancel, _) => return Err(FriendshipError::RequestNotFound),
            (Act::Block, _) if self.is_blocked_by(by) => return Ok(vec![]),
            (Act::Block, _) => Event::Blocked { by, with },
            (Act::Unblock, _) if self.is_blocked_by(by) => Event::Unblocked { by, with },
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
            FriendshipEvent::Requested { by, .. } => self.standing = Standing::Requested(by),
            FriendshipEvent::Accepted { .. } => self.standing = Standing::Friends,
            FriendshipEvent::Rejected { .. }
            | FriendshipEvent::Cancelled { .. }
            | FriendshipEvent::Unfriended { .. } => {
                self.standing = Standing::Strangers;
            }
            FriendshipEvent::Blocked { by, .. } => {
                self.standing = Standing::Strangers;
                self.blocked_by.insert(by);
            }
            FriendshipEvent::Unblocked { by, .. } => {
                self.blocked_by.remove(&by);
            }
        }
    }
}
