//! The presence last published of users with sockets in this process, and the users whose presence is due; pure.

use super::effective::EffectivePresence;
use domain::{Timestamp, UserId};
use protocol::resource::VisiblePresence;
use std::collections::{BTreeSet, HashMap};

/// The shortest time between two published changes of one person, in milliseconds: the last of faster changes is
/// published.
const PACE_MS: i64 = 500;

/// The published presence of each user, and the users whose presence is due.
#[derive(Debug, Default)]
pub(super) struct PublishSchedule {
    people: HashMap<UserId, Entry>,
    due: BTreeSet<(Timestamp, UserId)>,
}

#[derive(Debug, Default)]
struct Entry {
    /// The published presence; `None`: nobody knows it, and whatever holds is due.
    published: Option<VisiblePresence>,
    /// When it was last published; `None`: never by this process.
    since: Option<Timestamp>,
    /// When to look at them.
    due: Option<Timestamp>,
    /// Whether they have a socket here.
    here: bool,
}

impl PublishSchedule {
    /// Those of `users` of whom nothing is known here.
    pub(super) fn unknown(&self, users: impl IntoIterator<Item = UserId>) -> Vec<UserId> {
        users.into_iter().filter(|user| !self.people.contains_key(user)).collect()
    }

    /// What the others know of somebody of whom nothing is known here.
    pub(super) fn presume(&mut self, user: UserId, visible: VisiblePresence) {
        self.people.entry(user).or_insert(Entry { published: Some(visible), ..Entry::default() });
    }

    /// Somebody has a socket here, or has none any more.
    pub(super) fn set_here(&mut self, user: UserId, here: bool) {
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

    /// Whether a person's presence is to be published now. The person is looked at again when it lapses or the pace
    /// allows, `late` milliseconds after that, should no other process have published it.
    pub(super) fn check_due(&mut self, user: UserId, effective: &EffectivePresence, late: i64, now: Timestamp) -> bool {
        // Of who is not here, nobody sees what they chose, nor that it has lapsed.
        if let Some(lapses_at) = effective.lapses_at
            && self.people.get(&user).is_some_and(|entry| entry.here)
        {
            self.look_at(user, Timestamp::from_millis(lapses_at.millis().saturating_add(late)));
        }
        let Some(entry) = self.people.get(&user) else { return false };
        if entry.published.as_ref().is_some_and(|published| effective.visible.looks_like(published)) {
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

    /// This process published a person's presence at `now`, by its clock.
    pub(super) fn record(&mut self, user: UserId, visible: VisiblePresence, now: Timestamp) {
        let entry = self.people.entry(user).or_default();
        entry.published = Some(visible);
        entry.since = Some(now);
        self.forget(user);
    }

    /// Another process published a person's presence. Answers whether that is a change here; one older than the known
    /// one is not.
    pub(super) fn observe(&mut self, user: UserId, visible: &VisiblePresence, at: Timestamp) -> bool {
        let Some(entry) = self.people.get_mut(&user) else { return false };
        if entry.since.is_some_and(|since| at <= since) {
            return false;
        }
        let is_news = !entry.published.as_ref().is_some_and(|known| known.looks_like(visible));
        entry.published = Some(visible.clone());
        if is_news {
            entry.since = Some(at);
        }
        is_news
    }

    /// Drops a user without a socket here and without a due time: other processes know as much.
    fn forget(&mut self, user: UserId) {
        if self.people.get(&user).is_some_and(|entry| !entry.here && entry.due.is_none()) {
            self.people.remove(&user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::resource::Status;
    use uuid::Uuid;

    const ANA: UserId = UserId(Uuid::from_u128(1));
    const BEN: UserId = UserId(Uuid::from_u128(2));

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn visible(status: Status) -> VisiblePresence {
        VisiblePresence { status, ..VisiblePresence::default() }
    }

    fn effective(status: Status) -> EffectivePresence {
        EffectivePresence { visible: visible(status), lapses_at: None }
    }

    /// Ana came, of whom the others know that she is offline.
    fn ana_came() -> PublishSchedule {
        let mut schedule = PublishSchedule::default();
        schedule.presume(ANA, visible(Status::Offline));
        schedule.set_here(ANA, true);
        schedule
    }

    #[test]
    fn a_known_presence_is_not_published_again() {
        let mut schedule = ana_came();
        assert!(schedule.check_due(ANA, &effective(Status::Online), 0, at(0)));
        schedule.record(ANA, visible(Status::Online), at(0));
        assert!(!schedule.check_due(ANA, &effective(Status::Online), 0, at(9_000)));
        schedule.presume(ANA, visible(Status::Busy));
        assert!(!schedule.check_due(ANA, &effective(Status::Online), 0, at(9_000)), "what is known is not presumed");
        schedule.set_here(BEN, true);
        assert!(schedule.check_due(BEN, &effective(Status::Offline), 0, at(0)), "nobody knows");
    }

    #[test]
    fn of_fast_changes_the_last_is_published_at_a_pace() {
        let mut schedule = ana_came();
        schedule.record(ANA, visible(Status::Online), at(0));
        assert!(!schedule.check_due(ANA, &effective(Status::Busy), 0, at(100)));
        assert_eq!(schedule.next(), Some(at(PACE_MS)));
        assert_eq!(schedule.take(at(PACE_MS), 10), [ANA]);
        assert!(!schedule.check_due(ANA, &effective(Status::Online), 0, at(PACE_MS)), "she changed her mind meanwhile");
        assert_eq!(schedule.next(), None);
    }

    #[test]
    fn somebody_is_looked_at_when_the_first_reason_falls_due() {
        let mut schedule = ana_came();
        schedule.look_at(ANA, at(70));
        schedule.look_at(ANA, at(50));
        schedule.look_at(ANA, at(60));
        schedule.look_at(BEN, at(55));
        assert_eq!((schedule.next(), schedule.take(at(49), 10)), (Some(at(50)), vec![]));
        assert_eq!(schedule.take(at(60), 1), [ANA]);
        assert_eq!(schedule.take(at(60), 10), [BEN]);
        assert_eq!(schedule.next(), None);
        let until = EffectivePresence { lapses_at: Some(at(90)), ..effective(Status::Offline) };
        assert!(!schedule.check_due(ANA, &until, 10, at(60)));
        assert_eq!(schedule.next(), Some(at(100)));
    }

    #[test]
    fn what_another_process_tells_counts_unless_it_is_older() {
        let mut schedule = ana_came();
        schedule.record(ANA, visible(Status::Online), at(10));
        assert!(!schedule.observe(ANA, &visible(Status::Busy), at(9)), "overtaken on its way");
        assert!(!schedule.observe(ANA, &visible(Status::Online), at(11)), "no news");
        assert!(schedule.observe(ANA, &visible(Status::Busy), at(12)));
        assert!(!schedule.check_due(ANA, &effective(Status::Busy), 0, at(2_000)));
        assert!(!schedule.observe(BEN, &visible(Status::Busy), at(12)), "somebody else's business");
    }

    #[test]
    fn a_person_who_left_is_forgotten_once_that_is_published() {
        let mut schedule = ana_came();
        schedule.record(ANA, visible(Status::Online), at(0));
        schedule.set_here(ANA, false);
        schedule.look_at(ANA, at(10));
        assert_eq!(schedule.take(at(10), 10), [ANA]);
        assert!(schedule.check_due(ANA, &effective(Status::Offline), 0, at(1_000)));
        schedule.record(ANA, visible(Status::Offline), at(1_000));
        assert_eq!(schedule.unknown([ANA]), [ANA]);
        assert!(schedule.people.is_empty() && schedule.due.is_empty());
    }
}
