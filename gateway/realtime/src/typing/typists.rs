//! Who types where, and when that is published: pure. Times are milliseconds since the process began, which no
//! setting of a clock moves.

use crate::Flood;
use domain::{ConversationId, SessionId, Timestamp, UserId};
use std::collections::{BTreeSet, HashMap, hash_map::Entry};
use uuid::Uuid;

/// How long a typing indicator that goes on is not sent again, in milliseconds.
const AGAIN_MS: i64 = 3_000;
/// A user who sends nothing more has stopped after this time.
const LAPSE_MS: i64 = 6_000;
/// The shortest time between two published changes of one person in one conversation, in milliseconds.
const CHANGE_MS: i64 = 1_000;
/// The changes of one conversation that this process publishes a second, and the size of a burst.
const PER_SECOND: u32 = 10;
/// When to look again for room to tell a change of a busy conversation.
const ROOM_MS: i64 = 100;
/// People who type, in all conversations together.
const MOST: usize = 65_536;

type Key = (ConversationId, UserId);

/// Who types where.
#[derive(Debug, Default)]
pub(super) struct Typists {
    rooms: HashMap<ConversationId, Flood>,
    people: HashMap<Key, Typist>,
    /// How many of the people are in which room.
    counts: HashMap<ConversationId, usize>,
    due: BTreeSet<(Timestamp, Key)>,
}

/// Where somebody types: on a socket of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keyboard {
    pub(super) session: SessionId,
    pub(super) socket: Uuid,
}

#[derive(Debug)]
struct Typist {
    keyboard: Keyboard,
    types: bool,
    /// Whether the others think that they type.
    shown: bool,
    sent_at: Option<Timestamp>,
    lapses_at: Timestamp,
    due: Timestamp,
}

/// A change to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) conversation: ConversationId,
    pub(super) user: UserId,
    /// Where they typed last.
    pub(super) keyboard: Keyboard,
    pub(super) is_typing: bool,
}

const fn after(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_add(millis))
}

impl Typists {
    /// Somebody types, or goes on typing. Answers the change to publish now; `Err` when too many type.
    pub(super) fn start(&mut self, key: Key, keyboard: Keyboard, now: Timestamp) -> Result<Option<Change>, Full> {
        let most = self.people.len() >= MOST;
        let typist = match self.people.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if most => return Err(Full),
            Entry::Vacant(vacant) => {
                *self.counts.entry(key.0).or_default() += 1;
                self.rooms.entry(key.0).or_insert_with(|| Flood::new(PER_SECOND, PER_SECOND, now));
                self.due.insert((now, key));
                vacant.insert(Typist { keyboard, types: true, shown: false, sent_at: None, lapses_at: now, due: now })
            }
        };
        typist.keyboard = keyboard;
        typist.types = true;
        typist.lapses_at = after(now, LAPSE_MS);
        let tells_again = typist.shown && typist.sent_at.is_some_and(|at| after(at, AGAIN_MS) <= now);
        if tells_again && self.rooms.get_mut(&key.0).is_some_and(|room| room.admits(now)) {
            typist.sent_at = Some(now);
            let change = Change { conversation: key.0, user: key.1, keyboard, is_typing: true };
            self.settle(key, now);
            return Ok(Some(change));
        }
        Ok(self.settle(key, now))
    }

    /// Somebody has stopped, or was not typing anyway.
    pub(super) fn stop(&mut self, key: Key, now: Timestamp) -> Option<Change> {
        self.people.get_mut(&key)?.types = false;
        self.settle(key, now)
    }

    /// Somebody has left: nothing more of theirs is published there.
    pub(super) fn leave(&mut self, key: Key) {
        self.forget(key);
    }

    /// Those whose socket has gone have stopped.
    pub(super) fn stop_gone(&mut self, is_gone: impl Fn(UserId, Keyboard) -> bool, now: Timestamp) -> Vec<Change> {
        let gone = self.people.iter().filter(|((_, user), typist)| typist.types && is_gone(*user, typist.keyboard));
        let gone: Vec<_> = gone.map(|(key, _)| *key).collect();
        gone.into_iter().filter_map(|key| self.stop(key, now)).collect()
    }

    /// The changes that are due.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Change> {
        let due: Vec<_> = self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| *key).collect();
        due.into_iter().filter_map(|key| self.settle(key, now)).collect()
    }

    /// When the next change may be due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// A change could not be published: it is tried again, should it still hold then.
    pub(super) fn unpublished(&mut self, change: Change, now: Timestamp) {
        let key = (change.conversation, change.user);
        let Some(typist) = self.people.get_mut(&key) else { return };
        typist.shown = !change.is_typing;
        typist.sent_at = Some(now);
        self.settle(key, now);
    }

    /// Brings what the others think closer to what is, and looks again when more can be done.
    fn settle(&mut self, key: Key, now: Timestamp) -> Option<Change> {
        let typist = self.people.get_mut(&key)?;
        typist.types &= now < typist.lapses_at;
        let pause = typist.sent_at.map(|at| after(at, CHANGE_MS)).filter(|over| now < *over);
        let differs = typist.types != typist.shown;
        let mut change = None;
        let due = match pause {
            Some(over) if differs || !typist.types => over,
            _ if differs => {
                if self.rooms.get_mut(&key.0).is_some_and(|room| room.admits(now)) {
                    typist.shown = typist.types;
                    typist.sent_at = Some(now);
                    let (keyboard, is_typing) = (typist.keyboard, typist.types);
                    change = Some(Change { conversation: key.0, user: key.1, keyboard, is_typing });
                    if typist.types { typist.lapses_at } else { after(now, CHANGE_MS) }
                } else {
                    after(now, ROOM_MS)
                }
            }
            _ if typist.types => typist.lapses_at,
            _ => {
                self.forget(key);
                return None;
            }
        };
        self.due.remove(&(typist.due, key));
        typist.due = due;
        self.due.insert((due, key));
        change
    }

    fn forget(&mut self, key: Key) {
        let Some(typist) = self.people.remove(&key) else { return };
        self.due.remove(&(typist.due, key));
        if let Entry::Occupied(mut count) = self.counts.entry(key.0) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
                // The last change there was published a second ago: the bucket is full.
                self.rooms.remove(&key.0);
            }
        }
    }
}

/// Too many people type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: ConversationId = ConversationId(Uuid::from_u128(9));
    const ANA: Key = (ROOM, UserId(Uuid::from_u128(1)));
    const PHONE: Keyboard = Keyboard { session: SessionId(Uuid::from_u128(11)), socket: Uuid::from_u128(12) };

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn start(typists: &mut Typists, key: Key, now: i64) -> Option<bool> {
        typists.start(key, PHONE, at(now)).unwrap().map(|change| change.is_typing)
    }

    fn stop(typists: &mut Typists, key: Key, now: i64) -> Option<bool> {
        typists.stop(key, at(now)).map(|change| change.is_typing)
    }

    /// All that falls due, with its time, until nothing is.
    fn runs_out(typists: &mut Typists) -> Vec<(i64, bool)> {
        let mut changes = Vec::new();
        while let Some(next) = typists.next() {
            changes.extend(typists.due(next).into_iter().map(|change| (next.millis(), change.is_typing)));
        }
        assert!(typists.people.is_empty() && typists.rooms.is_empty() && typists.counts.is_empty());
        changes
    }

    #[test]
    fn typing_that_goes_on_is_published_again_after_three_seconds() {
        let mut typists = Typists::default();
        let changes = [0, 500, 2_999, 3_000, 3_500, 6_000].map(|now| start(&mut typists, ANA, now));
        assert_eq!(changes, [Some(true), None, None, Some(true), None, Some(true)]);
    }

    #[test]
    fn it_ends_by_itself_six_seconds_after_the_last_start() {
        let mut typists = Typists::default();
        start(&mut typists, ANA, 0);
        start(&mut typists, ANA, 2_000);
        assert_eq!(runs_out(&mut typists), [(8_000, false)]);
    }

    #[test]
    fn who_stops_without_a_start_tells_nothing() {
        let mut typists = Typists::default();
        assert_eq!((stop(&mut typists, ANA, 0), typists.next()), (None, None));
        start(&mut typists, ANA, 0);
        assert_eq!([stop(&mut typists, ANA, 1_000), stop(&mut typists, ANA, 1_500)], [Some(false), None]);
        assert_eq!(runs_out(&mut typists), []);
    }

    #[test]
    fn of_a_storm_one_change_a_second_is_published_and_the_last_wins() {
        let mut typists = Typists::default();
        let mut changes = Vec::new();
        for now in 0..50 {
            let change = if now % 2 == 0 { start(&mut typists, ANA, now) } else { stop(&mut typists, ANA, now) };
            changes.extend(change);
        }
        assert_eq!(changes, [true]);
        assert_eq!(runs_out(&mut typists), [(1_000, false)]);
        start(&mut typists, ANA, 5_000);
        stop(&mut typists, ANA, 5_010);
        start(&mut typists, ANA, 5_020);
        assert_eq!(runs_out(&mut typists), [(11_020, false)], "nothing has changed after the second");
    }

    #[test]
    fn a_conversation_tells_ten_changes_a_second_and_all_in_the_end() {
        let mut typists = Typists::default();
        let people = (1..=20).map(|n| (ROOM, UserId(Uuid::from_u128(n))));
        let at_once = people.clone().filter_map(|key| start(&mut typists, key, 0)).count();
        assert_eq!(at_once, 10);
        let changes = runs_out(&mut typists);
        let starts: Vec<_> = changes.iter().filter(|(_, is_typing)| *is_typing).map(|(now, _)| *now).collect();
        assert_eq!((starts.len(), starts.last()), (10, Some(&1_000)));
        let ends: Vec<_> = changes.iter().filter(|(_, is_typing)| !*is_typing).collect();
        assert_eq!(ends.len(), 20);
        for second in changes.windows(21) {
            assert!(second[20].0 - second[0].0 >= 1_000, "{second:?}");
        }
        assert!(ends.iter().all(|(now, _)| (6_000..=7_000).contains(now)), "{ends:?}");
    }

    #[test]
    fn typing_that_stops_before_it_is_published_is_not_published() {
        let mut typists = Typists::default();
        let people: Vec<_> = (1..=11).map(|n| (ROOM, UserId(Uuid::from_u128(n)))).collect();
        let changes: Vec<_> = people.iter().filter_map(|key| start(&mut typists, *key, 0)).collect();
        assert_eq!((changes.len(), stop(&mut typists, people[10], 10)), (10, None));
        assert_eq!(typists.due(at(5_000)), []);
    }

    #[test]
    fn nothing_more_is_published_of_a_person_who_left() {
        let mut typists = Typists::default();
        let people: Vec<_> = (1..=11).map(|n| (ROOM, UserId(Uuid::from_u128(n)))).collect();
        for key in &people {
            let _ = typists.start(*key, PHONE, at(0));
        }
        // The last change waits for room in the bucket.
        typists.leave(people[10]);
        typists.leave(people[0]);
        typists.leave((ROOM, UserId(Uuid::from_u128(99))));
        let changes = runs_out(&mut typists);
        assert_eq!((changes.len(), changes.iter().any(|(_, is_typing)| *is_typing)), (9, false));
    }

    #[test]
    fn whose_device_has_gone_has_stopped() {
        let mut typists = Typists::default();
        start(&mut typists, ANA, 0);
        assert_eq!(typists.stop_gone(|_, session| session != PHONE, at(1_000)), []);
        let gone = typists.stop_gone(|user, session| (user, session) == (ANA.1, PHONE), at(1_000));
        assert_eq!(gone, [Change { conversation: ROOM, user: ANA.1, keyboard: PHONE, is_typing: false }]);
    }

    #[test]
    fn an_unpublished_change_is_published_later_if_it_still_holds() {
        let mut typists = Typists::default();
        let change = typists.start(ANA, PHONE, at(0)).unwrap().unwrap();
        typists.unpublished(change, at(0));
        assert_eq!(runs_out(&mut typists), [(1_000, true), (6_000, false)]);
        let change = typists.start(ANA, PHONE, at(9_000)).unwrap().unwrap();
        typists.unpublished(change, at(9_000));
        assert_eq!(stop(&mut typists, ANA, 9_500), None);
        assert_eq!(runs_out(&mut typists), []);
    }

    #[test]
    fn memory_is_bounded() {
        let mut typists = Typists::default();
        for n in 0..MOST as u128 {
            let room = ConversationId(Uuid::from_u128(n));
            assert!(typists.start((room, ANA.1), PHONE, at(0)).is_ok());
        }
        assert_eq!(typists.start(ANA, PHONE, at(0)), Ok(None), "room 9 is known");
        let another = (ConversationId(Uuid::from_u128(u128::MAX)), ANA.1);
        assert_eq!(typists.start(another, PHONE, at(0)), Err(Full));
    }
}
