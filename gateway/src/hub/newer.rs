//! Events that a newer build wrote and this one cannot read. Nobody's cursor moves past one in silence: who may receive it is
//! sent away to come back, to another process perhaps. Who comes back to this one, which cannot tell them, is not
//! recovered: they reload what they show, and go on from there.

use super::Hub;
use crate::{cursor::covers, push::is_newer, session::Close};
use broker::Marks;
use domain::Tier;
use event_store::{Position, ReadError, RecordedEvent};
use quick_cache::sync::Cache;
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use uuid::Uuid;

/// People who are remembered; one who is forgotten is sent away once more.
const PEOPLE: usize = 10_000;

/// What this process met that it cannot read.
pub(super) struct Unreadable {
    /// The newest such event of people who may receive it.
    of: Cache<Uuid, (Tier, Position)>,
    /// The newest of all; 0 when it met none.
    last: AtomicU64,
}

impl Unreadable {
    pub(super) fn new() -> Self {
        Self { of: Cache::new(PEOPLE), last: AtomicU64::new(0) }
    }

    fn note(&self, user: Uuid, event: &RecordedEvent) {
        let (tier, position) = (event.record.lane.tier, event.record.position);
        self.last.fetch_max(position, Relaxed);
        if self.of.get(&user).is_none_or(|(_, known)| known < position) {
            self.of.insert(user, (tier, position));
        }
    }

    /// Whether somebody who has come so far can be told all that follows, as far as it is known.
    pub(super) fn can_resume(&self, user: Uuid, marks: Marks) -> bool {
        self.of.get(&user).is_none_or(|(tier, position)| covers(marks, tier, position))
    }
}

impl Hub {
    /// The newest event that a newer build wrote and this process could not read.
    #[must_use]
    pub fn unreadable(&self) -> Option<Position> {
        Some(self.0.unreadable.last.load(Relaxed)).filter(|last| *last > 0)
    }

    /// An event came that this build cannot read: closes the sockets of all who may receive it. They may not all be told
    /// of it: whom it is about stands in the log, and who receives its scope would if it is for all of them.
    pub(super) async fn meet_newer(&self, event: &RecordedEvent) -> Result<(), ReadError> {
        let record = &event.record;
        let (mut concerned, others) = {
            let state = self.state();
            let concerned: HashSet<Uuid> = state.receivers(record.scope, record.position).collect();
            let others: Vec<Uuid> = state.users().filter(|user| !concerned.contains(user)).collect();
            (concerned, others)
        };
        concerned.extend(self.0.reserved.told_of(record.position, &others).await?);
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
