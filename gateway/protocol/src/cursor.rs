//! How far a client has come, as an opaque word: a mark for each durable tier, and a stamp of the log there. It is
//! authenticated, so that nobody can make one up, and bound to the log and to whom it was given.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use broker::Marks;
use domain::Tier;
use event_store::{Authenticator, EventStore, FormerIncarnation, Position, Record};
use std::sync::Arc;
use uuid::Uuid;

/// The cursors of version 1 were not authenticated.
const VERSION: u8 = 2;
/// Version, two marks, stamp.
const BODY: usize = 1 + 8 + 8 + 8;
const TAG: usize = 16;
const LENGTH: usize = BODY + TAG;
/// Cursors of so many earlier incarnations are read: each costs another reader of a text that is no cursor two tags.
const FORMER: usize = 8;

/// How far somebody has come: all high events up to `marks.high` and all medium ones up to `marks.medium`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// How far.
    pub marks: Marks,
    /// Of the furthest event: a log that lost its end, and grew another, has another event there.
    pub stamp: Stamp,
}

/// The first bytes of an event's digest; all zeros before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp([u8; 8]);

impl Stamp {
    /// Of an event with this digest.
    #[must_use]
    pub fn of(digest: &[u8; 32]) -> Self {
        Self(std::array::from_fn(|n| digest[n]))
    }
}

impl Place {
    /// At the head of a log, that is, after this event.
    #[must_use]
    pub fn at(position: Position, stamp: Stamp) -> Self {
        Self { marks: Marks { high: position, medium: position }, stamp }
    }

    /// The position of the furthest event.
    #[must_use]
    pub fn end(&self) -> Position {
        self.marks.high.max(self.marks.medium)
    }

    /// After an event too that came in [`broker::Ordering::Global`].
    #[must_use]
    pub fn after(self, record: &Record) -> Self {
        self.reaching(after(self.marks, record.lane.tier, record.position), record)
    }

    /// After an event too, and all others before it.
    #[must_use]
    pub fn after_all(self, record: &Record) -> Self {
        self.reaching(after(self.marks, Tier::Medium, record.position), record)
    }

    /// The further of each.
    #[must_use]
    pub fn furthest(self, other: Self) -> Self {
        let stamp = if self.end() >= other.end() { self.stamp } else { other.stamp };
        Self { marks: furthest(self.marks, other.marks), stamp }
    }

    /// At further marks, with the stamp of an event if that is the furthest.
    #[must_use]
    pub fn reaching(self, marks: Marks, record: &Record) -> Self {
        let stamp = if record.position > self.end() { Stamp::of(&record.digest) } else { self.stamp };
        Self { marks: furthest(self.marks, marks), stamp }
    }
}

/// Writes and reads the cursors of a log. Clones share the key.
#[derive(Clone)]
pub struct Cursors {
    incarnation: Uuid,
    key: Authenticator,
    former: Option<Arc<Former>>,
}

/// Reads the cursors of earlier incarnations of a log.
struct Former {
    key: Authenticator,
    /// Newest first.
    incarnations: Vec<FormerIncarnation>,
}

/// Writes and reads the cursors of one person. To be kept while they are connected: then a cursor costs two blocks of
/// SHA-256.
#[derive(Clone)]
pub struct OwnCursors {
    key: Authenticator,
    former: Option<(Arc<Former>, Uuid)>,
}

impl Cursors {
    /// Those of the log with this incarnation, authenticated with `key`.
    #[must_use]
    pub const fn new(incarnation: Uuid, key: Authenticator) -> Self {
        Self { incarnation, key, former: None }
    }

    /// Those of a log.
    #[must_use]
    pub fn of(store: &EventStore) -> Self {
        let cursors = Self::new(store.incarnation(), store.authenticator("cursor"));
        cursors.after(store.former_incarnations())
    }

    /// Reads those of earlier incarnations, too, as far as the log is the same.
    fn after(self, former: &[FormerIncarnation]) -> Self {
        let incarnations: Vec<_> = former.iter().rev().take(FORMER).copied().collect();
        let former = Former { key: self.key.clone(), incarnations };
        Self { former: (!former.incarnations.is_empty()).then(|| Arc::new(former)), ..self }
    }

    /// Those of one person.
    #[must_use]
    pub fn of_user(&self, user: Uuid) -> OwnCursors {
        let former = self.former.as_ref().map(|former| (Arc::clone(former), user));
        OwnCursors { key: key_of(&self.key, self.incarnation, user), former }
    }
}

/// The key of one person's cursors of an incarnation.
fn key_of(key: &Authenticator, incarnation: Uuid, user: Uuid) -> Authenticator {
    Authenticator::new(&key.tag(&[incarnation.as_bytes(), user.as_bytes()]))
}

impl OwnCursors {
    /// The cursor at a place.
    #[must_use]
    pub fn write(&self, place: Place) -> String {
        let mut bytes = [0; LENGTH];
        bytes[0] = VERSION;
        bytes[1..9].copy_from_slice(&place.marks.high.to_be_bytes());
        bytes[9..17].copy_from_slice(&place.marks.medium.to_be_bytes());
        bytes[17..BODY].copy_from_slice(&place.stamp.0);
        let tag = tag(&self.key, &bytes[..BODY]);
        bytes[BODY..].copy_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place of a cursor that was given to this person, by this log; `None` for any other text. By an earlier incarnation
    /// of it, too, if the log has been the same up to there.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Place> {
        let bytes = bytes(text)?;
        let (body, shown) = bytes.split_at(BODY);
        if is_same(&tag(&self.key, body), shown) {
            return place(&bytes);
        }
        let (Former { key, incarnations }, user) = self.former.as_ref().map(|(former, user)| (&**former, *user))?;
        let is_of = |of: &&FormerIncarnation| is_same(&tag(&key_of(key, of.incarnation, user), body), shown);
        let of = incarnations.iter().find(is_of)?;
        place(&bytes).filter(|place| place.end() <= of.until)
    }
}

fn tag(key: &Authenticator, body: &[u8]) -> [u8; TAG] {
    let digest = key.tag(&[body]);
    std::array::from_fn(|n| digest[n])
}

/// The marks in a cursor, without checking who wrote it.
#[must_use]
pub fn marks_in(text: &str) -> Option<Marks> {
    Some(place(&bytes(text)?)?.marks)
}

fn bytes(text: &str) -> Option<[u8; LENGTH]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

fn place(bytes: &[u8; LENGTH]) -> Option<Place> {
    let eight = |at: usize| bytes.get(at..at + 8)?.try_into().ok();
    let marks = Marks { high: u64::from_be_bytes(eight(1)?), medium: u64::from_be_bytes(eight(9)?) };
    (bytes[0] == VERSION).then_some(Place { marks, stamp: Stamp(eight(17)?) })
}

/// In the same time, wherever they differ.
fn is_same(ours: &[u8], theirs: &[u8]) -> bool {
    ours.len() == theirs.len() && ours.iter().zip(theirs).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Whether an event is among those that `marks` cover.
#[must_use]
pub const fn covers(marks: Marks, tier: Tier, position: Position) -> bool {
    match tier {
        Tier::High => position <= marks.high,
        Tier::Medium => position <= marks.medium,
        Tier::Low => true,
    }
}

/// The marks after an event that came in [`broker::Ordering::Global`]: a medium event comes after all events
/// before it, a high one after the high events before it.
#[must_use]
pub fn after(marks: Marks, tier: Tier, position: Position) -> Marks {
    match tier {
        Tier::High => Marks { high: marks.high.max(position), ..marks },
        Tier::Medium => Marks { high: marks.high.max(position), medium: marks.medium.max(position) },
        Tier::Low => marks,
    }
}

/// The further of each.
#[must_use]
pub fn furthest(a: Marks, b: Marks) -> Marks {
    Marks { high: a.high.max(b.high), medium: a.medium.max(b.medium) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: Uuid = Uuid::from_u128(1);
    const BEN: Uuid = Uuid::from_u128(2);

    fn cursors() -> Cursors {
        Cursors::new(Uuid::nil(), Authenticator::new(&[7; 32]))
    }

    fn place() -> Place {
        Place { marks: Marks { high: 12, medium: u64::MAX }, stamp: Stamp([7; 8]) }
    }

    #[test]
    fn is_read_back_as_written_by_whom_it_was_given_to() {
        let of = |user| cursors().of_user(user);
        let own = of(ANA).write(place());
        assert_eq!((of(ANA).read(&own), of(BEN).read(&own)), (Some(place()), None));
        assert_eq!(marks_in(&own), Some(place().marks));
        assert_eq!(own.len(), 55);
    }

    #[test]
    fn another_text_is_no_cursor() {
        let own_cursors = cursors().of_user(ANA);
        let own = own_cursors.write(place());
        for at in 0..LENGTH {
            let mut changed = URL_SAFE_NO_PAD.decode(&own).unwrap();
            changed[at] ^= 1;
            assert_eq!(own_cursors.read(&URL_SAFE_NO_PAD.encode(changed)), None, "{at}");
        }
        let other = Cursors { incarnation: Uuid::max(), ..cursors() }.of_user(ANA).write(place());
        // As version 1 had them: version, incarnation, marks.
        let old = URL_SAFE_NO_PAD.encode([&[1][..], &[0; 32]].concat());
        for text in ["", "x", "AAAA", "💥", &"A".repeat(55), &"B".repeat(4_000), &other, &old] {
            assert_eq!(own_cursors.read(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_cursor_of_an_earlier_incarnation_is_read_as_far_as_the_log_is_the_same() {
        let at = |position| Place::at(position, Stamp([7; 8]));
        let before = cursors().of_user(ANA);
        let [kept, lost] = [before.write(at(9)), before.write(at(10))];
        let ended = |incarnation, until| FormerIncarnation { incarnation, until, ended_at: 0 };
        let others = (1..=20).map(|n| ended(Uuid::from_u128(n), 99));
        let former: Vec<_> = others.clone().chain([ended(Uuid::nil(), 9)]).collect();
        let after = Cursors::new(Uuid::max(), Authenticator::new(&[7; 32])).after(&former);
        let read = |user, text: &str| after.of_user(user).read(text);
        assert_eq!((read(ANA, &kept), read(ANA, &lost), read(BEN, &kept)), (Some(at(9)), None, None));
        assert_eq!(before.read(&after.of_user(ANA).write(at(3))), None, "the earlier one does not know the later");
        let long_ago: Vec<_> = [ended(Uuid::nil(), 9)].into_iter().chain(others).collect();
        let after = Cursors::new(Uuid::max(), Authenticator::new(&[7; 32])).after(&long_ago);
        assert_eq!(after.of_user(ANA).read(&kept), None, "the number of tags is bounded");
    }

    #[test]
    fn a_medium_event_vouches_for_all_before_it_and_a_high_one_for_the_high_ones() {
        let marks = Marks { high: 5, medium: 3 };
        assert_eq!(after(marks, Tier::High, 9), Marks { high: 9, medium: 3 });
        assert_eq!(after(marks, Tier::Medium, 9), Marks { high: 9, medium: 9 });
        assert_eq!(after(marks, Tier::Medium, 4), Marks { high: 5, medium: 4 });
        assert!(covers(marks, Tier::High, 5) && !covers(marks, Tier::Medium, 5));
    }

    #[test]
    fn the_stamp_is_that_of_the_furthest_event() {
        let near = Place { marks: Marks { high: 5, medium: 3 }, stamp: Stamp([5; 8]) };
        let far = Place { marks: Marks { high: 2, medium: 9 }, stamp: Stamp([9; 8]) };
        let both = Place { marks: Marks { high: 5, medium: 9 }, stamp: Stamp([9; 8]) };
        assert_eq!((near.furthest(far), far.furthest(near)), (both, both));
    }
}
