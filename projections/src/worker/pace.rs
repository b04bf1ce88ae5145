//! The pace of a worker's batches.

use super::Progress;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The least time between the beginnings of two batches while nobody of this process waits for the read models: under a steady
/// stream several events share a transaction. A batch after a pause begins at once.
const LEAST: Duration = Duration::from_millis(10);

/// When the next batch may begin.
#[derive(Default)]
pub(super) struct Pace {
    not_before: Option<Instant>,
}

impl Pace {
    /// Waits until the next batch may begin, or somebody waits for it. Cancel-safe.
    pub(super) async fn wait(&self, progress: &Progress) {
        let Some(not_before) = self.not_before else { return };
        tokio::select! {
            () = sleep_until(not_before) => (),
            () = progress.is_awaited() => (),
        }
    }

    /// A batch begins.
    pub(super) fn begin(&mut self) {
        self.not_before = Some(Instant::now() + LEAST);
    }
}
