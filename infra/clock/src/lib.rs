//! The clock of this process, and its new ids.

use domain::Timestamp;
use std::sync::LazyLock;
use uuid::Uuid;

/// For tests only: an offset of this process's clock in milliseconds. The clocks of hosts differ, and correctness must not
/// depend on them: `cargo xtask torture clocks-apart` starts processes that are minutes apart.
const OFFSET: &str = "CHATCHIT_TEST_CLOCK_OFFSET_MS";

static AHEAD: LazyLock<i64> = LazyLock::new(|| {
    let ahead = std::env::var(OFFSET).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
    if ahead != 0 {
        tracing::warn!(ahead, "The clock of this process has an offset, for a test");
    }
    ahead
});

/// The time of this process.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the only source of time; injected everywhere else")]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(millis.saturating_add(*AHEAD))
}

/// A new id: UUID v7.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the only source of ids; injected everywhere else")]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
