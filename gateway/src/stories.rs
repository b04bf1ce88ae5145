//! What ends stories whose time is over. One process at a time does it; should two, nothing happens twice, since the log
//! decides.

use commands::Commands;
use domain::Timestamp;
use projections::{
    Queries,
    queries::{DueRow, QueryError},
};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often it is looked. What is over is not shown any more in any case: queries compare with the clock.
const LOOK: Duration = Duration::from_secs(1);
/// Rows of one statement.
const PAGE: u32 = 256;

/// The duty, and what it needs.
#[derive(Clone)]
pub(crate) struct StoryDuty {
    pub(crate) queries: Queries,
    pub(crate) commands: Commands,
    pub(crate) clock: fn() -> Timestamp,
}

impl StoryDuty {
    /// Looks for stories whose time is over, and has the log say so, until `stop`. It keeps nothing in memory: whatever
    /// came due while no process was there is found by the next.
    pub(crate) async fn expire(self, stop: CancellationToken) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            if let Err(error) = self.expire_due().await {
                tracing::debug!(error.cause = %error, "it cannot be told which stories are over");
            }
        }
    }

    async fn expire_due(&self) -> Result<(), QueryError> {
        let now = (self.clock)();
        let mut after = DueRow::default();
        loop {
            let due = self.queries.due_stories(now, after, PAGE).await?;
            for DueRow { story, expires_at } in &due {
                if let Err(error) = self.commands.expire_story(*story, *expires_at).await {
                    tracing::warn!(story.id = %story, error.cause = %error, "a story could not be ended, and is tried again");
                }
            }
            match due.last() {
                Some(last) if due.len() >= PAGE as usize => after = *last,
                _ => return Ok(()),
            }
        }
    }
}
