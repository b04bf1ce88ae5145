//! Records the expiry of stories. The log decides, so that two processes may run it at once.

use crate::Periodic;
use commands::Commands;
use domain::Timestamp;
use projections::{
    Queries,
    queries::{DueRow, QueryError},
};
use std::time::Duration;

/// The time between two rounds. Queries compare with the clock, so that an expired story is never shown.
const PAUSE: Duration = Duration::from_secs(1);
/// Rows of one statement.
const PAGE: u32 = 256;

/// Records the expiry of stories.
#[derive(Clone)]
pub struct ExpireStories {
    pub queries: Queries,
    pub commands: Commands,
    pub clock: fn() -> Timestamp,
}

impl Periodic for ExpireStories {
    const LEASE: &'static str = "stories.expire";
    type Memory = ();
    type Error = QueryError;

    fn pause(&self) -> Duration {
        PAUSE
    }

    async fn round(&self, (): &mut ()) -> Result<(), QueryError> {
        let now = (self.clock)();
        let mut after = DueRow::default();
        loop {
            let due = self.queries.due_stories(now, after, PAGE).await?;
            for DueRow { story, expires_at } in &due {
                if let Err(error) = self.commands.expire_story(*story, *expires_at).await {
                    tracing::warn!(
                        story.id = %story,
                        error.cause = %error,
                        "a story could not be expired; the next round tries again"
                    );
                }
            }
            match due.last() {
                Some(last) if due.len() >= PAGE as usize => after = *last,
                _ => return Ok(()),
            }
        }
    }
}
