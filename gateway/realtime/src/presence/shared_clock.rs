//! The clock of presence: the database's, which all processes share, computed from the local clock and its measured
//! offset.

use domain::Timestamp;
use std::sync::{Mutex, PoisonError};

/// The database's clock, without asking it each time.
pub(super) struct SharedClock {
    own: fn() -> Timestamp,
    /// How far the database is ahead, in milliseconds.
    ahead: Mutex<i64>,
}

impl SharedClock {
    /// As one's own, before the database was asked.
    pub(super) fn new(own: fn() -> Timestamp) -> Self {
        Self { own, ahead: Mutex::default() }
    }

    /// What time it is.
    pub(super) fn now(&self) -> Timestamp {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        Timestamp::from_millis((self.own)().millis().saturating_add(ahead))
    }

    /// What time it is by one's own clock.
    pub(super) fn own(&self) -> Timestamp {
        (self.own)()
    }

    /// The database said `said` to who asked at `asked`, by one's own clock. It said so at some time since: what is known
    /// already is moved no further than that tells.
    pub(super) fn learn(&self, said: i64, asked: Timestamp) {
        let answered = self.own().millis();
        let (least, most) = (said.saturating_sub(answered), said.saturating_sub(asked.millis()));
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        // Should one's own clock have been set meanwhile, the two may be the wrong way round.
        *ahead = if least <= most { (*ahead).clamp(least, most) } else { least };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn clock() -> SharedClock {
        SharedClock::new(|| Timestamp::from_millis(NOW))
    }

    #[test]
    fn it_is_the_databases_as_far_as_its_answers_tell() {
        let clock = clock();
        assert_eq!(clock.now().millis(), NOW);
        let asked = Timestamp::from_millis(NOW - 10);
        clock.learn(NOW - 5, asked);
        assert_eq!(clock.now().millis(), NOW, "it may have said so half-way");
        clock.learn(NOW - 60_000, asked);
        assert_eq!(clock.now().millis(), NOW - 60_000 + 10, "a minute behind, less what the answer took");
        clock.learn(NOW - 60_000 + 5, asked);
        assert_eq!(clock.now().millis(), NOW - 60_000 + 10, "nothing else was learnt");
        clock.learn(NOW + 7, Timestamp::from_millis(NOW + 1));
        assert_eq!(clock.now().millis(), NOW + 7);
    }
}
