//! Waiting until the read models have come to a position: reading one's own writes.

use super::parking::{Counters, Parking};
use crate::{
    Error, Projection,
    checkpoint::{Checkpoints, checkpoints, mark},
};
use domain::{Lane, Partition, Tier};
use event_store::{EventStore, Head, Position, Selection};
use sql::Database;
use std::{
    collections::{BTreeMap, btree_map},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::{Mutex, watch};

/// How often the checkpoints are read while somebody waits for a worker elsewhere.
const POLL: Duration = Duration::from_millis(10);
/// After this time a waiting reader asks whether the position exists at all.
const DOUBT: Duration = Duration::from_millis(100);

/// What is known of the workers' progress.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Per projection, the position up to which everything was applied, while a worker of this process follows
    /// all partitions.
    pub(crate) settled: Option<BTreeMap<Projection, Position>>,
    /// Whether a worker of this process has begun.
    has_begun: bool,
    /// What was last read, while the workers are elsewhere.
    polled: Polled,
}

/// What one who waits reads for all.
#[derive(Debug, Default)]
struct Polled {
    /// Which reading it was; the first is 1.
    number: u64,
    /// The log's head, as it was then.
    head: Option<Head>,
    /// The checkpoints, as they were then.
    checkpoints: Checkpoints,
}

/// How far the read models have come. Clones share what they know.
#[derive(Clone)]
pub struct Progress {
    store: EventStore,
    database: Database,
    view: Arc<watch::Sender<View>>,
    turn: Arc<Mutex<()>>,
    /// How many readings have begun.
    readings: Arc<AtomicU64>,
    counters: Arc<Counters>,
}

impl Progress {
    /// For a process whose workers, if any, make themselves known through [`Worker::start`](crate::Worker::start).
    #[must_use]
    pub fn new(store: EventStore, database: Database) -> Self {
        Self {
            store,
            database,
            view: Arc::default(),
            turn: Arc::default(),
            readings: Arc::default(),
            counters: Arc::default(),
        }
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// What this process's worker knows of parked events; nothing without one.
    #[must_use]
    pub fn parking(&self) -> Parking {
        self.counters.read()
    }

    pub(crate) const fn store(&self) -> &EventStore {
        &self.store
    }

    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }

    /// Notes that the worker of this process follows what it leased, or knows that there is nothing to lease.
    pub(crate) fn begun(&self) {
        self.view.send_if_modified(|view| !std::mem::replace(&mut view.has_begun, true));
    }

    /// Waits until the worker of this process has begun to follow what it leased; at most for `deadline`.
    pub async fn wait_begun(&self, deadline: Duration) {
        let mut view = self.view.subscribe();
        let _ = tokio::time::timeout(deadline, view.wait_for(|view| view.has_begun)).await;
    }

    pub(crate) fn publish(&self, settled: Option<BTreeMap<Projection, Position>>) {
        self.view.send_modify(|view| view.settled = settled);
    }

    /// Waits until each of the projections has come, in each partition and tier, to `position` or to the lane's
    /// head, whichever is less. Answers whether that was so within `deadline`. Asks no database when a worker of
    /// this process has come so far already.
    pub async fn wait(&self, position: Position, projections: &[Projection], deadline: Duration) -> bool {
        if is_settled(&self.view.borrow(), position, projections) == Some(true) {
            return true;
        }
        tokio::time::timeout(deadline, self.reached(position, projections)).await.is_ok()
    }

    async fn reached(&self, position: Position, projections: &[Projection]) {
        let mut seen = self.view.subscribe();
        let before = self.readings.load(Relaxed);
        let mut head: Option<Head> = None;
        loop {
            let local = {
                let view = seen.borrow_and_update();
                if head.is_none() {
                    head = view.polled.head_for(position, before).cloned();
                }
                let position = head.as_ref().map_or(position, |head| head.position.min(position));
                let settled = is_settled(&view, position, projections);
                if settled == Some(true) {
                    return;
                }
                if let (None, Some(head)) = (settled, &head)
                    && has_reached(&view.polled.checkpoints, head, position, projections)
                {
                    return;
                }
                settled.is_some()
            };
            tokio::select! {
                _ = seen.changed() => (),
                known = self.doubt(), if local && head.is_none() => head = known,
                () = self.poll(), if !local => (),
            }
        }
    }

    /// The log's head, after a while.
    async fn doubt(&self) -> Option<Head> {
        tokio::time::sleep(DOUBT).await;
        let head = self.store.head().await;
        head.inspect_err(|error| tracing::debug!(%error, "The log's head could not be read")).ok()
    }

    /// Reads head and checkpoints, one waiting reader for all.
    async fn poll(&self) {
        let _turn = self.turn.lock().await;
        tokio::time::sleep(POLL).await;
        let number = self.readings.fetch_add(1, Relaxed) + 1;
        match self.read(number).await {
            Ok(polled) => self.view.send_modify(|view| view.polled = polled),
            Err(error) => tracing::debug!(%error, "Head and checkpoints could not be read"),
        }
    }

    async fn read(&self, number: u64) -> Result<Polled, Error> {
        let head = Some(self.store.head().await?);
        Ok(Polled { number, head, checkpoints: checkpoints(&self.database).await? })
    }

    #[cfg(test)]
    pub(crate) fn readings(&self) -> u64 {
        self.readings.load(Relaxed)
    }

    /// How many events lie between the oldest one that a projection has not applied and the log's head, both
    /// included; 0 when it has applied all.
    ///
    /// # Errors
    /// When log or read models are away.
    pub async fn lag(&self) -> Result<BTreeMap<Projection, u64>, Error> {
        let applied = checkpoints(&self.database).await?;
        let head = self.store.head().await?;
        let mut oldest: BTreeMap<(Lane, Position), Position> = BTreeMap::new();
        let mut lags = BTreeMap::new();
        for projection in Projection::ALL {
            let mut lag = 0;
            for lane in lanes(self.store.partitions()) {
                let checkpoint = applied.get(&(projection, lane.partition)).copied().unwrap_or_default();
                let after = mark(checkpoint.marks, lane.tier);
                if after >= head.heads.lane(lane) {
                    continue;
                }
                if let btree_map::Entry::Vacant(entry) = oldest.entry((lane, after)) {
                    let first = self.store.read_after(after, &Selection::Lane(lane), 1).await?;
                    entry.insert(first.first().map_or(head.position, |event| event.record.position));
                }
                lag = lag.max((head.position + 1).saturating_sub(oldest[&(lane, after)]));
            }
            lags.insert(projection, lag);
        }
        Ok(lags)
    }
}

impl Polled {
    /// The head, if it is of use to one who waits for `position` since the reading `before`: it has come so far, or
    /// was read since, so that there is no such position.
    fn head_for(&self, position: Position, before: u64) -> Option<&Head> {
        self.head.as_ref().filter(|head| head.position >= position || self.number > before)
    }
}

/// `None` when no worker of this process knows.
fn is_settled(view: &View, position: Position, projections: &[Projection]) -> Option<bool> {
    let settled = view.settled.as_ref()?;
    Some(projections.iter().all(|projection| settled.get(projection).is_some_and(|settled| *settled >= position)))
}

fn has_reached(polled: &Checkpoints, head: &Head, position: Position, projections: &[Projection]) -> bool {
    polled.iter().filter(|((projection, _), _)| projections.contains(projection)).count() > 0
        && projections.iter().all(|projection| {
            polled.iter().filter(|((other, _), _)| other == projection).all(|((_, partition), checkpoint)| {
                Tier::DURABLE.into_iter().all(|tier| {
                    let lane = Lane { tier, partition: *partition };
                    mark(checkpoint.marks, tier) >= head.heads.lane(lane).min(position)
                })
            })
        })
}

fn lanes(partitions: u16) -> impl Iterator<Item = Lane> {
    (0..partitions).flat_map(|partition| Tier::DURABLE.map(|tier| Lane { tier, partition: Partition(partition) }))
}
