//! Figures about parked events, for metrics.

use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a worker knows of parked events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parking {
    /// Events parked now, in all partitions, those behind another one included; as of about a second ago.
    pub parked: u64,
    /// Of them, events that the build which tried them cannot read: a newer one wrote them. As of about a second ago.
    pub unreadable: u64,
    /// How often this worker tried a poisonous event again.
    pub retried: u64,
    /// How many events this worker gave up.
    pub given_up: u64,
}

/// The same as it is counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    parked: AtomicU64,
    unreadable: AtomicU64,
    retried: AtomicU64,
    given_up: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> Parking {
        Parking {
            parked: self.parked.load(Relaxed),
            unreadable: self.unreadable.load(Relaxed),
            retried: self.retried.load(Relaxed),
            given_up: self.given_up.load(Relaxed),
        }
    }

    pub(crate) fn parked(&self, (parked, unreadable): (u64, u64)) {
        self.parked.store(parked, Relaxed);
        self.unreadable.store(unreadable, Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retried.fetch_add(1, Relaxed);
    }

    pub(crate) fn given_up(&self) {
        self.given_up.fetch_add(1, Relaxed);
    }
}
