//! How far a client has come, as an opaque word: the log's incarnation, and a mark for each durable tier.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use broker::Marks;
use domain::Tier;
use event_store::Position;
use std::fmt;
use uuid::Uuid;

const VERSION: u8 = 1;
const LENGTH: usize = 1 + 16 + 8 + 8;

/// All high events up to `marks.high` and all medium ones up to `marks.medium` have reached the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Of which log.
    pub incarnation: Uuid,
    /// How far.
    pub marks: Marks,
}

impl Cursor {
    /// Reads the word; `None` when this server did not write it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let number = |at: usize| {
            let eight = bytes.get(at..at + 8)?.try_into().ok()?;
            Some(u64::from_be_bytes(eight))
        };
        let incarnation = Uuid::from_slice(bytes.get(1..17)?).ok()?;
        let marks = Marks { high: number(17)?, medium: number(25)? };
        (bytes[0] == VERSION).then_some(Self { incarnation, marks })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; LENGTH];
        bytes[0] = VERSION;
        bytes[1..17].copy_from_slice(self.incarnation.as_bytes());
        bytes[17..25].copy_from_slice(&self.marks.high.to_be_bytes());
        bytes[25..].copy_from_slice(&self.marks.medium.to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
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

    #[test]
    fn is_read_back_as_written() {
        let cursor = Cursor { incarnation: Uuid::from_u128(7), marks: Marks { high: 12, medium: u64::MAX } };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        assert_eq!(cursor.to_string().len(), 44);
    }

    #[test]
    fn another_text_is_no_cursor() {
        let mut other =
            URL_SAFE_NO_PAD.decode(Cursor { incarnation: Uuid::nil(), marks: Marks::default() }.to_string());
        other.as_mut().unwrap()[0] = 2;
        for text in
            ["", "x", "AAAA", "💥", &"A".repeat(44), &"B".repeat(4_000), &URL_SAFE_NO_PAD.encode(other.unwrap())]
        {
            assert_eq!(Cursor::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_medium_event_vouches_for_all_before_it_and_a_high_one_for_the_high_ones() {
        let marks = Marks { high: 5, medium: 3 };
        assert_eq!(after(marks, Tier::High, 9), Marks { high: 9, medium: 3 });
        assert_eq!(after(marks, Tier::Medium, 9), Marks { high: 9, medium: 9 });
        assert_eq!(after(marks, Tier::Medium, 4), Marks { high: 5, medium: 4 });
        assert!(covers(marks, Tier::High, 5) && !covers(marks, Tier::Medium, 5));
    }
}
