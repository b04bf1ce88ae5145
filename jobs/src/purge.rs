//! Removes expired rows of the log's side tables: command keys, refresh tokens and their sessions, old snapshots. Two
//! processes may run it at once.

use crate::Periodic;
use commands::Commands;
use event_store::EventStore;
use std::time::Duration;

/// The time between two rounds.
const PAUSE: Duration = Duration::from_secs(600);

/// A round failed.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    #[error(transparent)]
    Log(#[from] event_store::ReadError),
    #[error(transparent)]
    Command(#[from] commands::CommandError),
}

/// Removes expired rows of the log's side tables.
#[derive(Clone)]
pub struct Purge {
    pub store: EventStore,
    pub commands: Commands,
}

impl Periodic for Purge {
    const LEASE: &'static str = "log.purge";
    /// The position of the next round among server-made keys.
    type Memory = i64;
    type Error = PurgeError;

    fn pause(&self) -> Duration {
        PAUSE
    }

    async fn round(&self, swept: &mut i64) -> Result<(), PurgeError> {
        let sessions = self.commands.end_expired_sessions().await?;
        let rows = self.store.purge_keys().await? + self.store.purge_snapshots(domain::fold::ALL).await?;
        *swept = self.store.purge_server_keys(*swept).await?;
        if sessions + rows > 0 {
            tracing::info!(purge.sessions = sessions, purge.rows = rows, "expired sessions and rows were purged");
        }
        Ok(())
    }
}
