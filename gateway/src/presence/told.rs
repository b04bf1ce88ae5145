//! What was last told of those whose sockets are in this process, and of whom something is to be told: the rule alone.

use super::standing::{Shown, Standing};
use domain::{Timestamp, UserId};
use std::collections::{BTreeSet, HashMap};

/// The shortest time between two changes of the same person that are told, in milliseconds: what changes faster is
/// told as it stands then.
const PACE_MS: i64 = 500;

/// What was last told of whom.
#[derive(Debug, Default)]
pub(super) struct Told {
    people: HashMap<UserId, Entry>,
    due: BTreeSet<(Timestamp, UserId)>,
}

#[derive(Debug, Default)]
struct Entry {
    /// `None`: nobody knows, and whatever holds is news.
    shown: Option<Shown>,
    /// Since when; of what was never told here, since ever.
    since: Option<Timestamp>,
    /// When to look at them.
    due: Option<Timestamp>,
    /// Whether they have a socket here.
    here: bool,
}

impl Told {
    /// Those of `users` of whom nothing is known here.
    pub(super) fn unknown(&self, users: impl IntoIterator<Item = UserId>) -> Vec<UserId> {
        users.into_iter().filter(|user| !self.people.contains_key(user)).collect()
    }

    /// What the others know of somebody of whom nothing is known here.
    pub(super) fn presume(&mut self, user: UserId, shown: Shown) {
        self.people.entry(user).or_insert(Entry { shown: Some(shown), ..Entry::default() });
    }

    /// Somebody has a socket here, or has none any more.
    pub(super) fn is_here(&mut self, user: UserId, here: bool) {
        self.people.entry(user).or_default().here = here;
    }

    /// Somebody is to be looked at, at `at` or earlier.
    pub(super) fn look_at(&mut self, user: UserId, at: Timestamp) {
        let entry = self.people.entry(user).or_default();
        if entry.due.is_none_or(|due| at < due) {
            if let Some(due) = entry.due.replace(at) {
                self.due.remove(&(due, user));
            }
            self.due.insert((at, user));
        }
    }

    /// When somebody is to be looked at next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes those who are to be looked at now, at most so many.
    pub(super) fn take(&mut self, now: Timestamp, most: usize) -> Vec<UserId> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some((at, user)) = self.due.first().copied()
            && at <= now
        {
            self.due.pop_first();
            if let Some(entry) = self.people.get_mut(&user) {
                entry.due = None;
            }
            taken.push(user);
        }
        taken
    }

    /// Whether others are to be told how somebody stands now. Whatever is told later by the clock, when that lapses
    /// or their pace allows, is told `late` milliseconds after that, should no other process have done so.
    pub(super) fn is_news(&mut self, user: UserId, standing: &Standing, late: i64, now: Timestamp) -> bool {
        // Of who is not here, nobody sees what they chose, nor that it has lapsed.
        if let Some(lapses_at) = standing.lapses_at
            && self.people.get(&user).is_some_and(|entry| entry.here)
        {
            self.look_at(user, Timestamp::from_millis(lapses_at.millis().saturating_add(late)));
        }
        let Some(entry) = self.people.get(&user) else { return false };
        if entry.shown.as_ref().is_some_and(|shown| standing.shown.looks_like(shown)) {
            self.forget(user);
            return false;
        }
        let pace = PACE_MS.saturating_add(late);
        // A clock that was set back slows nobody down.
        let since = entry.since.filter(|since| *since <= now);
        let next = since.map(|since| Timestamp::from_millis(since.millis().saturating_add(pace)));
        match next.filter(|next| now < *next) {
            Some(next) => {
                self.look_at(user, next);
                false
            }
            None => true,
        }
    }

    /// Others were told this of somebody, at `now` by the clock of who told it.
    pub(super) fn told(&mut self, user: UserId, shown: Shown, now: Timestamp) {
        let entry = self.people.entry(user).or_default();
        entry.shown = Some(shown);
        entry.since = Some(now);
        self.forget(user);
    }

    /// Another process told this of somebody. Answers whether that is news here; what was told before what is known
    /// is none.
    pub(super) fn heard(&mut self, user: UserId, shown: &Shown, at: Timestamp) -> bool {
        let Some(entry) = self.people.get_mut(&user) else { return false };
        if entry.since.is_some_and(|since| at <= since) {
            return false;
        }
        let news = !entry.shown.as_ref().is_some_and(|known| known.looks_like(shown));
        entry.shown = Some(shown.clone());
        if news {
            entry.since = Some(at);
        }
        news
    }

    /// Of whoever has no socket here and nothing to wait for, others know as much.
    fn forget(&mut self, user: UserId) {
        if self.people.get(&user).is_some_and(|entry| !entry.here && entry.due.is_none()) {
            self.people.remove(&user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::standing::Status;
    use uuid::Uuid;

    const ANA: UserId = UserId(Uuid::from_u128(1));
    const BEN: UserId = UserId(Uuid::from_u128(2));

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn shown(status: Status) -> Shown {
        Shown { status, ..Shown::default() }
    }

    fn stands(status: Status) -> Standing {
        Standing { shown: shown(status), lapses_at: None }
    }

    /// Ana came, of whom the others know that she is offline.
    fn ana_came() -> Told {
        let mut told = Told::default();
        told.presume(ANA, shown(Status::Offline));
        told.is_here(ANA, true);
        told
    }

    #[test]
    fn what_is_known_is_not_told_again() {
        let mut told = ana_came();
        assert!(told.is_news(ANA, &stands(Status::Online), 0, at(0)));
        told.told(ANA, shown(Status::Online), at(0));
        assert!(!told.is_news(ANA, &stands(Status::Online), 0, at(9_000)));
        told.presume(ANA, shown(Status::Busy));
        assert!(!told.is_news(ANA, &stands(Status::Online), 0, at(9_000)), "what is known is not presumed");
        told.is_here(BEN, true);
        assert!(told.is_news(BEN, &stands(Status::Offline), 0, at(0)), "nobody knows");
    }

    #[test]
    fn fast_changes_are_told_at_a_pace_as_they_stand_then() {
        let mut told = ana_came();
        told.told(ANA, shown(Status::Online), at(0));
        assert!(!told.is_news(ANA, &stands(Status::Busy), 0, at(100)));
        assert_eq!(told.next(), Some(at(PACE_MS)));
        assert_eq!(told.take(at(PACE_MS), 10), [ANA]);
        assert!(!told.is_news(ANA, &stands(Status::Online), 0, at(PACE_MS)), "she changed her mind meanwhile");
        assert_eq!(told.next(), None);
    }

    #[test]
    fn somebody_is_looked_at_when_the_first_reason_falls_due() {
        let mut told = ana_came();
        told.look_at(ANA, at(70));
        told.look_at(ANA, at(50));
        told.look_at(ANA, at(60));
        told.look_at(BEN, at(55));
        assert_eq!((told.next(), told.take(at(49), 10)), (Some(at(50)), vec![]));
        assert_eq!(told.take(at(60), 1), [ANA]);
        assert_eq!(told.take(at(60), 10), [BEN]);
        assert_eq!(told.next(), None);
        let until = Standing { lapses_at: Some(at(90)), ..stands(Status::Offline) };
        assert!(!told.is_news(ANA, &until, 10, at(60)));
        assert_eq!(told.next(), Some(at(100)));
    }

    #[test]
    fn what_another_process_tells_counts_unless_it_is_older() {
        let mut told = ana_came();
        told.told(ANA, shown(Status::Online), at(10));
        assert!(!told.heard(ANA, &shown(Status::Busy), at(9)), "overtaken on its way");
        assert!(!told.heard(ANA, &shown(Status::Online), at(11)), "no news");
        assert!(told.heard(ANA, &shown(Status::Busy), at(12)));
        assert!(!told.is_news(ANA, &stands(Status::Busy), 0, at(2_000)));
        assert!(!told.heard(BEN, &shown(Status::Busy), at(12)), "somebody else's business");
    }

    #[test]
    fn whoever_has_gone_is_forgotten_once_that_is_told() {
        let mut told = ana_came();
        told.told(ANA, shown(Status::Online), at(0));
        told.is_here(ANA, false);
        told.look_at(ANA, at(10));
        assert_eq!(told.take(at(10), 10), [ANA]);
        assert!(told.is_news(ANA, &stands(Status::Offline), 0, at(1_000)));
        told.told(ANA, shown(Status::Offline), at(1_000));
        assert_eq!(told.unknown([ANA]), [ANA]);
        assert!(told.people.is_empty() && told.due.is_empty());
    }
}
