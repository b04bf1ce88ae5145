//! What a group remembers of those who are not in it any more, and of how often things were done.

use crate::{Pace, Spent, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most people of each kind that are remembered after they went; of more, the first are forgotten.
pub const MAX_FORMER: usize = 10_000;
/// How often one person may come into a group, however they come, or ask to.
pub const ARRIVALS: Pace = Pace { burst: 10, every_ms: 60 * 60 * 1_000 };
/// How often one person may be made a lead.
pub const PROMOTIONS: Pace = Pace { burst: 10, every_ms: 60 * 60 * 1_000 };
/// How often one lead may change a group's settings.
pub const UPDATES: Pace = Pace { burst: 30, every_ms: 5 * 60 * 1_000 };
/// How often one member may make an invite.
pub const INVITES: Pace = Pace { burst: 200, every_ms: 5 * 60 * 1_000 };
/// The most people of whom is remembered what they used of these; of more, who has used the least is forgotten.
const MAX_TURNOVER: usize = 4_096;

/// How somebody went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Parting {
    /// By themselves.
    Left,
    /// A lead removed them, or turned them down.
    Removed,
}

/// Those who went, until they come back.
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

/// What was done often enough to be counted.
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

/// What people used of each [`Pace`] lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Turnover(BTreeMap<UserId, [Spent; 4]>);

impl Turnover {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// For how long `user` has to wait for it, in milliseconds, if they have to.
    pub(super) fn wait_ms(&self, user: UserId, act: Act, now: Timestamp) -> Option<i64> {
        act.pace().wait_ms(self.spent(user)[act as usize], now)
    }

    /// Older events do not say when they were: they count as nothing.
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
    fn who_went_is_remembered_in_bounded_memory() {
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
    fn turnover_is_remembered_in_bounded_memory() {
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
