//! Whether what is written to a client reaches it.

use crate::cursor::{furthest, marks_in};
use broker::Marks;

/// Compares what a client says it has with what was written to it. A client that never says is believed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ears {
    /// What had been written before the last exchange: the client must know of it by the next one.
    due: Marks,
}

impl Ears {
    /// A client exchanges a sign of life, perhaps with its `cursor`; all durable frames up to `written` have been
    /// written to it. Answers whether it is deaf.
    pub(super) fn exchange(&mut self, cursor: Option<&str>, written: Option<Marks>) -> bool {
        let known = cursor.and_then(marks_in);
        let deaf = known.is_some_and(|known| furthest(known, self.due) != known);
        self.due = furthest(self.due, written.unwrap_or_default());
        deaf
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::{Cursors, Place};
    use uuid::Uuid;

    fn cursor(high: u64, medium: u64) -> String {
        let place = Place { marks: Marks { high, medium }, ..Place::default() };
        Cursors::for_test().of_user(Uuid::nil()).write(place)
    }

    fn written(high: u64, medium: u64) -> Option<Marks> {
        Some(Marks { high, medium })
    }

    #[test]
    fn who_lacks_what_was_written_before_the_last_exchange_is_deaf() {
        let mut ears = Ears::default();
        assert!(!ears.exchange(Some(&cursor(1, 1)), written(5, 0)), "5 may still be on its way");
        assert!(!ears.exchange(Some(&cursor(5, 1)), written(9, 7)));
        assert!(ears.exchange(Some(&cursor(9, 6)), written(9, 7)), "medium 7 never came");
        let mut ears = Ears::default();
        ears.exchange(None, written(5, 5));
        assert!(ears.exchange(Some(&cursor(4, 9)), written(5, 5)));
    }

    #[test]
    fn who_says_nothing_or_nonsense_is_believed_and_what_waits_is_not_due() {
        let mut ears = Ears::default();
        assert!(!ears.exchange(None, written(5, 5)));
        assert!(!ears.exchange(None, written(5, 5)));
        assert!(!ears.exchange(Some("nonsense"), written(5, 5)));
        let mut ears = Ears::default();
        ears.exchange(Some(&cursor(1, 1)), None);
        assert!(!ears.exchange(Some(&cursor(1, 1)), written(5, 5)));
    }
}
