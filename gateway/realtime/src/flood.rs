//! A token bucket over the frames of one socket.

use domain::Timestamp;

const MILLIS: i64 = 1_000;

/// How many frames a client may still send now.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    per_second: i64,
    /// In thousandths of a frame.
    capacity: i64,
    left: i64,
    at: Timestamp,
}

impl Flood {
    /// A full bucket of `at_once` frames, refilled by `per_second`.
    #[must_use]
    pub fn new(per_second: u32, at_once: u32, now: Timestamp) -> Self {
        let capacity = i64::from(at_once) * MILLIS;
        Self { per_second: i64::from(per_second), capacity, left: capacity, at: now }
    }

    /// Takes one frame; false when there are too many. A clock that was set back refills nothing.
    pub fn admits(&mut self, now: Timestamp) -> bool {
        let elapsed = now.millis().saturating_sub(self.at.millis()).max(0);
        self.left = elapsed.saturating_mul(self.per_second).saturating_add(self.left).min(self.capacity);
        self.at = now;
        let admitted = self.left >= MILLIS;
        if admitted {
            self.left -= MILLIS;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let at = Timestamp::from_millis;
        let mut flood = Flood::new(10, 3, at(0));
        assert_eq!((0..5).filter(|_| flood.admits(at(0))).count(), 3);
        assert!(flood.admits(at(100)));
        assert!(!flood.admits(at(150)));
        assert!(!flood.admits(at(20)), "a clock set back gives nothing");
        assert_eq!((0..9).filter(|_| flood.admits(at(60_000))).count(), 3, "no more than the bucket holds");
    }
}
