//! Coalesces moves of a read marker: the moves of one person within 200 ms become one event.

use domain::{id::ReadMarkerId, read_marker::Mark};
use quick_cache::sync::Cache;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::{Instant, sleep_until},
};

/// The least time between two events of one marker. The first is not delayed.
const MOMENT: Duration = Duration::from_millis(200);
/// The markers kept in memory; a dropped one moves once too often.
const MARKERS: usize = 10_000;

/// The recent moves of markers.
pub(crate) struct Coalescing(Cache<(ReadMarkerId, Mark), Arc<Marker>>);

#[derive(Default)]
struct Marker {
    /// The furthest position requested by waiting commands.
    wanted: AtomicU64,
    moved: Arc<Mutex<Option<Moved>>>,
}

#[derive(Clone, Copy)]
struct Moved {
    at: Instant,
    seq: u64,
}

/// The right to move a marker.
pub(crate) struct MarkerPermit {
    /// The furthest position requested, for all waiting commands.
    pub(crate) seq: u64,
    moved: OwnedMutexGuard<Option<Moved>>,
}

impl Coalescing {
    pub(crate) fn new() -> Self {
        Self(Cache::new(MARKERS))
    }

    /// Waits until the marker may move up to `seq`. Cancel-safe: other waiters go on.
    pub(crate) async fn acquire(&self, marker: ReadMarkerId, mark: Mark, seq: u64) -> MarkerPermit {
        let marker = self.0.get_or_insert_with(&(marker, mark), || Ok::<_, ()>(Arc::default())).unwrap_or_default();
        marker.wanted.fetch_max(seq, Relaxed);
        let moved = Arc::clone(&marker.moved).lock_owned().await;
        if let Some(Moved { at, .. }) = moved.filter(|moved| moved.seq < seq) {
            sleep_until(at + MOMENT).await;
        }
        MarkerPermit { seq: marker.wanted.swap(0, Relaxed).max(seq), moved }
    }
}

impl MarkerPermit {
    /// Records the move.
    pub(crate) fn done(mut self, seq: u64) {
        *self.moved = Some(Moved { at: Instant::now(), seq });
    }
}
