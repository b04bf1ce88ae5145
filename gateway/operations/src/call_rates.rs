//! How many media signals a device may send.

use domain::{SessionId, Timestamp};
use quick_cache::sync::Cache;
use realtime::Flood;
use std::sync::{Arc, Mutex, PoisonError};

/// Signals a second, on average.
const PER_SECOND: u32 = 50;
/// Signals at once: a device finds many ways to be reached at the beginning.
const AT_ONCE: u32 = 200;
/// Devices that are remembered.
const DEVICES: usize = 20_000;

/// A token bucket for each device that signals. Clones share them.
#[derive(Clone)]
pub struct SignalRates(Arc<Cache<SessionId, Arc<Mutex<Flood>>>>);

impl Default for SignalRates {
    fn default() -> Self {
        Self(Arc::new(Cache::new(DEVICES)))
    }
}

impl SignalRates {
    /// Whether the device may send one more.
    #[must_use]
    pub fn admits(&self, session: SessionId, now: Timestamp) -> bool {
        let bucket = self.0.get(&session).unwrap_or_else(|| {
            let full = Arc::new(Mutex::new(Flood::new(PER_SECOND, AT_ONCE, now)));
            self.0.insert(session, Arc::clone(&full));
            full
        });
        bucket.lock().unwrap_or_else(PoisonError::into_inner).admits(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn each_device_has_its_own_bound() {
        let (rates, at) = (SignalRates::default(), Timestamp::from_millis);
        let [one, other] = [1, 2].map(|n| SessionId(Uuid::from_u128(n)));
        assert_eq!((0..500).filter(|_| rates.admits(one, at(0))).count(), 200);
        assert!(rates.admits(other, at(0)));
        assert_eq!((0..500).filter(|_| rates.admits(one, at(1_000))).count(), 50);
    }
}
