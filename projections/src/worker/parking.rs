//! Metrics of parked events.

use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Metrics of parked events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parking {
    /// Parked events in all partitions, those behind another one included; at most about a second old.
    pub parked: u64,
    /// Of them, events that the build which tried them cannot read, as a newer one wrote them.
    pub unreadable: u64,
    /// Retries of parked events by this worker.
    pub retried: u64,
    /// Events that this worker gave up.
    pub given_up: u64,
}

/// The counters of [`Parking`].
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
