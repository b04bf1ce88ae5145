//! The events that this build cannot read.

use broker::Marks;
use domain::Tier;
use event_store::{Position, RecordedEvent};
use protocol::cursor::covers;
use quick_cache::sync::Cache;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use uuid::Uuid;

/// People who are remembered; one who is forgotten is sent away once more.
const PEOPLE: usize = 10_000;

/// What this process met that it cannot read.
pub(super) struct Unreadable {
    /// The newest such event of people who may receive it.
    of: Cache<Uuid, (Tier, Position)>,
    /// The newest of all; 0 when it met none.
    pub(super) last: AtomicU64,
}

impl Unreadable {
    pub(super) fn new() -> Self {
        Self { of: Cache::new(PEOPLE), last: AtomicU64::new(0) }
    }

    pub(super) fn note(&self, user: Uuid, event: &RecordedEvent) {
        let (tier, position) = (event.record.lane.tier, event.record.position);
        self.last.fetch_max(position, Relaxed);
        if self.of.get(&user).is_none_or(|(_, known)| known < position) {
            self.of.insert(user, (tier, position));
        }
    }

    /// Whether this build can read all events known to follow for a user at these marks.
    pub(super) fn can_resume(&self, user: Uuid, marks: Marks) -> bool {
        self.of.get(&user).is_none_or(|(tier, position)| covers(marks, tier, position))
    }
}
