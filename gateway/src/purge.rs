//! What keeps the log's side tables from growing without end: keys whose time is over, refresh tokens and sessions that
//! have expired. One process at a time does it; should two, nothing happens twice.

use commands::Commands;
use event_store::EventStore;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Between two looks; the first is at once.
const LOOK: Duration = Duration::from_secs(600);

/// Why something could not be purged yet.
#[derive(Debug, thiserror::Error)]
enum PurgeError {
    #[error(transparent)]
    Log(#[from] event_store::ReadError),
    #[error(transparent)]
    Command(#[from] commands::CommandError),
}

/// The duty, and what it needs.
#[derive(Clone)]
pub(crate) struct Purge {
    pub(crate) store: EventStore,
    pub(crate) commands: Commands,
}

impl Purge {
    /// Purges until `stop`, a bounded portion at a time.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut swept = 0;
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            if let Some(Err(error)) = stop.run_until_cancelled(self.look(&mut swept)).await {
                tracing::warn!(error.cause = %error, "what has expired could not be purged, and is tried again");
            }
        }
    }

    async fn look(&self, swept: &mut i64) -> Result<(), PurgeError> {
        let sessions = self.commands.end_expired_sessions().await?;
        let rows = self.store.purge_keys().await? + self.store.purge_snapshots(domain::fold::ALL).await?;
        *swept = self.store.purge_server_keys(*swept).await?;
        if sessions + rows > 0 {
            tracing::info!(purge.sessions = sessions, purge.rows = rows, "what had expired is purged");
        }
        Ok(())
    }
}
