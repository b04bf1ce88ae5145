//! The pauses between retries.

use domain::Timestamp;
use std::time::Duration;

/// The pauses before the first retry, the second, …
pub type BackOff = [Duration; broker::BACK_OFF.len()];

/// The time after a pause.
pub(crate) fn after(at: Timestamp, pause: Duration) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)))
}
