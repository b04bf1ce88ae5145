//! Ends calls that have rung for too long, by the database's clock.

use super::{CallJobs, PAGE, millis, succeeded};
use crate::Periodic;
use domain::{CallId, Timestamp};
use projections::queries::QueryError;
use std::time::Duration;

/// Ends calls that have rung for too long.
#[derive(Clone)]
pub struct TimeOutCalls(pub CallJobs);

impl Periodic for TimeOutCalls {
    const LEASE: &'static str = "calls.time_out";
    type Memory = ();
    type Error = QueryError;

    fn pause(&self) -> Duration {
        self.0.settings.look
    }

    async fn round(&self, (): &mut ()) -> Result<(), QueryError> {
        let CallJobs { queries, commands, settings, .. } = &self.0;
        queries.note_ringing().await?;
        let mut after = CallId::default();
        loop {
            let due = queries.overdue_calls(settings.ring, after, PAGE).await?;
            for ringing in &due {
                let deadline = Timestamp::from_millis(ringing.since.millis().saturating_add(millis(settings.ring)));
                succeeded(ringing.call, commands.time_out_call(ringing.call, deadline).await);
            }
            match due.last() {
                Some(last) if due.len() >= PAGE as usize => after = last.call,
                _ => return Ok(()),
            }
        }
    }
}
