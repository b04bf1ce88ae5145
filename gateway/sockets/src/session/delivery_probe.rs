//! Finding clients that miss frames that were written to them.

use broker::Marks;
use protocol::cursor::{furthest, marks_in};

/// Compares what a client says it has with what was written to it. A client that never says is believed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DeliveryProbe {
    /// What had been written before the last exchange: the client must know of it by the next one.
    due: Marks,
}

impl DeliveryProbe {
    /// A client exchanges a sign of life, perhaps with its `cursor`; all durable frames up to `written` have been
    /// written to it. True if the client missed frames that were written.
    pub(super) fn exchange(&mut self, cursor: Option<&str>, written: Option<Marks>) -> bool {
        let known = cursor.and_then(marks_in);
        let misses = known.is_some_and(|known| furthest(known, self.due) != known);
        self.due = furthest(self.due, written.unwrap_or_default());
        misses
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_store::Authenticator;
    use protocol::cursor::{Cursors, Place};
    use uuid::Uuid;

    fn cursor(high: u64, medium: u64) -> String {
        let place = Place { marks: Marks { high, medium }, ..Place::default() };
        Cursors::new(Uuid::nil(), Authenticator::new(&[7; 32])).of_user(Uuid::nil()).write(place)
    }

    fn written(high: u64, medium: u64) -> Option<Marks> {
        Some(Marks { high, medium })
    }

    #[test]
    fn who_lacks_what_was_written_before_the_last_exchange_is_found() {
        let mut probe = DeliveryProbe::default();
        assert!(!probe.exchange(Some(&cursor(1, 1)), written(5, 0)), "5 may still be on its way");
        assert!(!probe.exchange(Some(&cursor(5, 1)), written(9, 7)));
        assert!(probe.exchange(Some(&cursor(9, 6)), written(9, 7)), "medium 7 never came");
        let mut probe = DeliveryProbe::default();
        probe.exchange(None, written(5, 5));
        assert!(probe.exchange(Some(&cursor(4, 9)), written(5, 5)));
    }

    #[test]
    fn who_says_nothing_or_nonsense_is_believed_and_what_waits_is_not_due() {
        let mut probe = DeliveryProbe::default();
        assert!(!probe.exchange(None, written(5, 5)));
        assert!(!probe.exchange(None, written(5, 5)));
        assert!(!probe.exchange(Some("nonsense"), written(5, 5)));
        let mut probe = DeliveryProbe::default();
        probe.exchange(Some(&cursor(1, 1)), None);
        assert!(!probe.exchange(Some(&cursor(1, 1)), written(5, 5)));
    }
}
