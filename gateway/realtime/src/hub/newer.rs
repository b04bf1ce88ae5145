//! Events that a newer build wrote and this one cannot read. Nobody's cursor moves past one in silence: who may receive it is
//! sent away to come back, to another process perhaps. Who comes back to this one, which cannot tell them, is not
//! recovered: they reload what they show, and go on from there.

use super::Hub;
use crate::push::is_newer;
use event_store::{Position, ReadError, RecordedEvent};
use protocol::Close;
use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering::Relaxed},
};
use uuid::Uuid;

impl Hub {
    /// The newest event that a newer build wrote and this process could not read.
    #[must_use]
    pub fn unreadable(&self) -> Option<Position> {
        Some(self.0.unreadable.last.load(Relaxed)).filter(|last| *last > 0)
    }

    /// Closes the sockets of all who may receive an event that this build cannot read. The log names its recipients;
    /// the audience of its scope may receive it, too.
    pub(super) async fn meet_newer(&self, event: &RecordedEvent) -> Result<(), ReadError> {
        let record = &event.record;
        let (mut concerned, others) = {
            let state = self.state();
            let concerned: HashSet<Uuid> = state.receivers(record.scope, record.position).collect();
            let others: Vec<Uuid> = state.users().filter(|user| !concerned.contains(user)).collect();
            (concerned, others)
        };
        concerned.extend(self.0.reserved.recipients_among(record.position, &others).await?);
        tracing::error!(
            event.position = record.position,
            event.kind = record.event_type,
            event.version = record.event_version,
            people = concerned.len(),
            "a newer version wrote an event that this build cannot read; those whom it may concern are sent away"
        );
        self.0.unreadable.last.fetch_max(record.position, Relaxed);
        let mut state = self.state();
        state.pass_over(record.lane.tier, record.position);
        for user in concerned {
            self.0.unreadable.note(user, event);
            state.close(user, None, Close::Restarting);
        }
        Ok(())
    }

    /// How many of these events come before the first one that `user` receives and this build cannot read.
    ///
    /// # Errors
    /// [`ReadError::Newer`] when it is the very first; from then on they are not recovered from before it.
    pub(super) async fn readable(&self, user: Uuid, events: &[Arc<RecordedEvent>]) -> Result<usize, ReadError> {
        for (n, event) in events.iter().enumerate() {
            if is_newer(&self.0.store, event).await {
                if n == 0 {
                    self.0.unreadable.note(user, event);
                    return Err(ReadError::Newer(event.record.position));
                }
                return Ok(n);
            }
        }
        Ok(events.len())
    }
}
