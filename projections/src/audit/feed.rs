//! Fills the index after the log's head, batch by batch, by one process at a time.

use super::{AuditIndex, Running};
use crate::Error;
use event_store::EventStore;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Events per transaction.
const BATCH: u32 = 1_000;
/// The pause after a batch that reached the log's head, so that under a steady stream many events share a transaction.
const LOOK: Duration = Duration::from_millis(100);
/// The pause between attempts while the log or the read models are unavailable.
const PAUSE: Duration = Duration::from_millis(500);

/// Fills the index until
/// `stop`, and retries while an engine is unavailable. Give it a store with connections of its own ([`EventStore::reserved`]).
pub async fn run(index: AuditIndex, store: EventStore, stop: CancellationToken) {
    let feeding = async {
        let mut is_held_up = false;
        loop {
            let Err(error) = follow(&index, &store, &mut is_held_up).await;
            // Rebuilt, or filled by another process for a moment: continue from where the index is now.
            if !matches!(error, Error::Overtaken) && !std::mem::replace(&mut is_held_up, true) {
                tracing::warn!(error.cause = %error, "The audit index cannot be filled; trying again");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    stop.run_until_cancelled(feeding).await;
}

async fn follow(
    index: &AuditIndex,
    store: &EventStore,
    is_held_up: &mut bool,
) -> Result<std::convert::Infallible, Error> {
    let mut at = index.begin(store).await?;
    loop {
        let next: Running = index.advance(store, at, BATCH).await?;
        if std::mem::take(is_held_up) {
            tracing::info!("The audit index is filled again");
        }
        let has_reached_head = next.position < at.position + u64::from(BATCH);
        at = next;
        if has_reached_head {
            tokio::time::sleep(LOOK).await;
        }
    }
}
