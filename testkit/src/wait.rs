//! Waits of tests: on a condition, each with a deadline.

use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Longer than any step of a test takes on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(10);

/// The outcome, before the deadline.
///
/// # Panics
/// After the deadline, with what was waited for.
pub async fn soon<T>(what: &str, outcome: impl Future<Output = T>) -> T {
    timeout(DEADLINE, outcome).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Looks until there is a value, and returns it.
///
/// # Panics
/// After the deadline, with what was waited for.
pub async fn until_some<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(value) = look().await {
                return value;
            }
            sleep(PAUSE).await;
        }
    };
    soon(what, looking).await
}

/// Looks until the condition is met.
///
/// # Panics
/// After the deadline, with what was waited for.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    until_some(what, async || is_so().await.then_some(())).await;
}
