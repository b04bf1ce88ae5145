//! Pauses between attempts.

use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The pauses between attempts while an engine is unavailable.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1)];

/// Pauses of increasing length.
#[derive(Default)]
pub(super) struct Pauses(usize);

impl Pauses {
    pub(super) async fn next(&mut self, token: &CancellationToken) {
        let pause = PAUSES[self.0.min(PAUSES.len() - 1)];
        self.0 += 1;
        tokio::select! {
            () = token.cancelled() => (),
            () = tokio::time::sleep(pause) => (),
        }
    }
}
