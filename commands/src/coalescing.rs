//! Markers that move often are moved seldom: what one person asks of one marker within a moment becomes one event.

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

/// Between two events of one marker. The first is not held up.
const MOMENT: Duration = Duration::from_millis(200);
/// Markers that are remembered; one that is forgotten moves once too often.
const MARKERS: usize = 10_000;

/// Who moves which marker, and when they did.
pub(crate) struct Coalescing(Cache<(ReadMarkerId, Mark), Arc<Marker>>);

#[derive(Default)]
struct Marker {
    /// The furthest that anybody who waits asked for.
    wanted: AtomicU64,
    moved: Arc<Mutex<Option<Moved>>>,
}

#[derive(Clone, Copy)]
struct Moved {
    at: Instant,
    seq: u64,
}

/// The right to move a marker now.
pub(crate) struct Turn {
    /// How far: for all who wait.
    pub(crate) seq: u64,
    moved: OwnedMutexGuard<Option<Moved>>,
}

impl Coalescing {
    pub(crate) fn new() -> Self {
        Self(Cache::new(MARKERS))
    }

    /// Waits until the marker may be moved up to `seq`. Cancel-safe: the others go on.
    pub(crate) async fn turn(&self, marker: ReadMarkerId, mark: Mark, seq: u64) -> Turn {
        let marker = self.0.get_or_insert_with(&(marker, mark), || Ok::<_, ()>(Arc::default())).unwrap_or_default();
        marker.wanted.fetch_max(seq, Relaxed);
        let moved = Arc::clone(&marker.moved).lock_owned().await;
        if let Some(Moved { at, .. }) = moved.filter(|moved| moved.seq < seq) {
            sleep_until(at + MOMENT).await;
        }
        Turn { seq: marker.wanted.swap(0, Relaxed).max(seq), moved }
    }
}

impl Turn {
    /// It was moved, up to `seq`.
    pub(crate) fn done(mut self, seq: u64) {
        *self.moved = Some(Moved { at: Instant::now(), seq });
    }
}
