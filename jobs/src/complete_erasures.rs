//! Removes what remains of erased people beside the log: rows of the read models, and files. Two processes may run it
//! at once.

use crate::{
    Periodic,
    file_gc::{FileGc, FileGcError},
};
use domain::{Timestamp, UserId};
use projections::{Erasures, Progress, Projection};
use std::time::Duration;

/// The time between two rounds.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest wait for the projections, before the next erasure is tried.
const PATIENCE: Duration = Duration::from_secs(2);

/// An erasure could not be completed.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    #[error(transparent)]
    ReadModels(#[from] sql::Error),
    #[error(transparent)]
    Files(#[from] FileGcError),
}

/// Removes what remains of erased people beside the log.
#[derive(Clone)]
pub struct CompleteErasures {
    pub erasures: Erasures,
    pub progress: Progress,
    /// Removes the files.
    pub file_gc: FileGc,
    pub clock: fn() -> Timestamp,
}

impl Periodic for CompleteErasures {
    const LEASE: &'static str = "accounts.forget";
    type Memory = ();
    type Error = ErasureError;

    fn pause(&self) -> Duration {
        PAUSE
    }

    async fn round(&self, (): &mut ()) -> Result<(), ErasureError> {
        for erasure in self.erasures.due((self.clock)()).await? {
            if self.progress.wait(erasure.position, &Projection::ALL, PATIENCE).await {
                self.erase(erasure.user).await?;
                self.erasures.note(erasure).await?;
                tracing::info!(user.id = %erasure.user, "the texts and files of an erased person were removed");
            }
        }
        Ok(())
    }
}

impl CompleteErasures {
    /// Every store of personal data outside the log is listed here. A repetition changes nothing.
    async fn erase(&self, user: UserId) -> Result<(), ErasureError> {
        self.erasures.forget(user).await?;
        self.file_gc.forget(user).await?;
        Ok(())
    }
}
