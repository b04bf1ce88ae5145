//! A group's memory of former members, and of the use of its rate limits.

use crate::{Pace, Spent, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most former members of each kind; beyond that the first are dropped.
pub const MAX_FORMER: usize = 10_000;
/// The rate limit of one person's arrivals in a group, requests included.
pub const ARRIVALS: Pace = Pace { burst: 10, every_ms: 60 * 60 * 1_000 };
/// The rate limit of promotions of one person.
pub const PROMOTIONS: Pace = Pace { burst: 10, every_ms: 60 * 60 * 1_000 };
/// The rate limit of one lead's changes of the settings.
pub const UPDATES: Pace = Pace { burst: 30, every_ms: 5 * 60 * 1_000 };
/// The rate limit of one member's invites.
pub const INVITES: Pace = Pace { burst: 200, every_ms: 5 * 60 * 1_000 };
/// The most people whose use of these limits is kept; beyond that the least use is dropped.
const MAX_TURNOVER: usize = 4_096;

/// The way a person left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Parting {
    /// On their own.
    Left,
    /// A lead removed or rejected them.
    Removed,
}

/// The people who left, until they return.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Former {
    people: BTreeMap<UserId, (Parting, u64)>,
    left: usize,
    partings: u64,
}

impl Former {
    pub(super) fn len(&self) -> usize {
        self.people.len()
    }

    pub(super) fn parting(&self, user: UserId) -> Option<Parting> {
        self.people.get(&user).map(|(parting, _)| *parting)
    }

    pub(super) fn note(&mut self, user: UserId, parting: Parting) {
        self.forget(user);
        if self.count(parting) >= MAX_FORMER {
            let first = self.people.iter().filter(|(_, (how, _))| *how == parting).min_by_key(|(_, (_, order))| *order);
            if let Some(first) = first.map(|(user, _)| *user) {
                self.forget(first);
            }
        }
        self.partings += 1;
        self.left += usize::from(parting == Parting::Left);
        self.people.insert(user, (parting, self.partings));
    }

    pub(super) fn forget(&mut self, user: UserId) {
        if let Some((Parting::Left, _)) = self.people.remove(&user) {
            self.left -= 1;
        }
    }

    fn count(&self, parting: Parting) -> usize {
        match parting {
            Parting::Left => self.left,
            Parting::Removed => self.people.len() - self.left,
        }
    }
}

/// The rate-limited acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Arrive,
    BePromoted,
    Update,
    Invite,
}

impl Act {
    const fn pace(self) -> Pace {
        match self {
            Self::Arrive => ARRIVALS,
            Self::BePromoted => PROMOTIONS,
            Self::Update => UPDATES,
            Self::Invite => INVITES,
        }
    }
}

/// Each person's use of the rate limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Turnover(BTreeMap<UserId, [Spent; 4]>);

impl Turnover {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The wait of `user` in milliseconds, if any.
    pub(super) fn wait_ms(&self, user: UserId, act: Act, now: Timestamp) -> Option<i64> {
        act.pace().wait_ms(self.spent(user)[act as usize], now)
    }

    /// Older events have no time and do not count.
    pub(super) fn spend(&mut self, user: UserId, act: Act, at: Option<Timestamp>) {
        let Some(at) = at else { return };
        if self.0.len() >= MAX_TURNOVER {
            self.0.retain(|_, spent| spent.iter().any(|one| !one.is_over(at)));
        }
        if self.0.len() >= MAX_TURNOVER && !self.0.contains_key(&user) {
            let least = self.0.iter().min_by_key(|(_, spent)| spent.iter().max().copied()).map(|(user, _)| *user);
            least.and_then(|least| self.0.remove(&least));
        }
        let spent = self.0.entry(user).or_default();
        spent[act as usize] = act.pace().spend(spent[act as usize], at);
    }

    fn spent(&self, user: UserId) -> [Spent; 4] {
        self.0.get(&user).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn person(n: usize) -> UserId {
        UserId(Uuid::from_u128(n as u128))
    }

    #[test]
    fn former_members_are_kept_in_bounded_memory() {
        let mut former = Former::default();
        former.note(person(0), Parting::Removed);
        for n in 1..=MAX_FORMER + 5 {
            former.note(person(n), Parting::Left);
        }
        assert_eq!((former.len(), former.left), (MAX_FORMER + 1, MAX_FORMER));
        assert_eq!(former.parting(person(0)), Some(Parting::Removed), "leaving drives out nobody who was removed");
        assert_eq!((former.parting(person(5)), former.parting(person(6))), (None, Some(Parting::Left)));
        former.note(person(6), Parting::Removed);
        assert_eq!((former.parting(person(6)), former.left), (Some(Parting::Removed), MAX_FORMER - 1));
        former.forget(person(6));
        assert_eq!(former.parting(person(6)), None);
    }

    #[test]
    fn the_use_of_rate_limits_is_kept_in_bounded_memory() {
        let (mut turnover, at) = (Turnover::default(), |ms| Some(Timestamp::from_millis(ms)));
        for n in 0..ARRIVALS.burst {
            turnover.spend(person(0), Act::Arrive, at(n));
        }
        assert!(turnover.wait_ms(person(0), Act::Arrive, Timestamp::from_millis(100)).is_some());
        assert_eq!(turnover.wait_ms(person(0), Act::Invite, Timestamp::from_millis(100)), None);
        for n in 1..2 * MAX_TURNOVER {
            turnover.spend(person(n), Act::Update, at(200));
        }
        assert_eq!(turnover.len(), MAX_TURNOVER);
        assert!(turnover.wait_ms(person(0), Act::Arrive, Timestamp::from_millis(200)).is_some());
        turnover.spend(person(1), Act::Update, at(i64::MAX / 2));
        assert_eq!(turnover.len(), 1, "who has all free again is forgotten first");
    }
}
