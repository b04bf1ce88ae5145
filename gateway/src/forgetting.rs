//! Forgetting those who were erased, wherever something of them is left beside the log. One process at a time does it;
//! should two, nothing happens twice.

use crate::files::{House, HouseError};
use domain::{Timestamp, UserId};
use projections::{Erasures, Progress, Projection};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// How long the projections are waited for, before others are looked at.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why somebody could not be forgotten yet.
#[derive(Debug, thiserror::Error)]
enum ForgettingError {
    #[error(transparent)]
    ReadModels(#[from] sql::Error),
    #[error(transparent)]
    Files(#[from] HouseError),
}

/// The duty, and what it needs.
#[derive(Clone)]
pub(crate) struct Forgetting {
    pub(crate) erasures: Erasures,
    pub(crate) progress: Progress,
    pub(crate) house: House,
    pub(crate) clock: fn() -> Timestamp,
}

impl Forgetting {
    /// Looks for those who are to be forgotten, until `stop`. It keeps nothing in memory: whoever was erased while no
    /// process was there is found by the next.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            if let Some(Err(error)) = stop.run_until_cancelled(self.look()).await {
                tracing::warn!(error.cause = %error, "those who were erased could not be forgotten, and are tried again");
            }
        }
    }

    async fn look(&self) -> Result<(), ForgettingError> {
        for erasure in self.erasures.due((self.clock)()).await? {
            if self.progress.wait(erasure.position, &Projection::ALL, PATIENCE).await {
                self.forget(erasure.user).await?;
                self.erasures.note(erasure).await?;
                tracing::info!(user.id = %erasure.user, "what somebody who was erased had written is forgotten");
            }
        }
        Ok(())
    }

    /// Whatever keeps something of people outside the log forgets it here. Done twice, it changes nothing.
    async fn forget(&self, user: UserId) -> Result<(), ForgettingError> {
        self.erasures.forget(user).await?;
        self.house.forget(user).await?;
        Ok(())
    }
}
