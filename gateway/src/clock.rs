//! The clock of this process.

use domain::Timestamp;
use std::sync::LazyLock;

/// For tests alone: this process's clock is so many milliseconds ahead, or behind. The clocks of hosts differ, and nothing
/// may hang on it: `cargo xtask torture clocks-apart` starts processes that are minutes apart.
const OFFSET: &str = "CHATCHIT_TEST_CLOCK_OFFSET_MS";

static AHEAD: LazyLock<i64> = LazyLock::new(|| {
    let ahead = std::env::var(OFFSET).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
    if ahead != 0 {
        tracing::warn!(ahead, "The clock of this process is set apart, for a test");
    }
    ahead
});

/// What time it is here.
#[expect(clippy::disallowed_methods, reason = "the composition root is where the clock comes from")]
pub(crate) fn clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(millis.saturating_add(*AHEAD))
}
