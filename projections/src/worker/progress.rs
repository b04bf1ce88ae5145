//! The progress of the read models, and waiting for it: reading one's own writes.

use super::{
    extent::Extent,
    lease::unheld,
    parking::{Counters, Parking},
};
use crate::{
    Error, Projection,
    checkpoint::{Checkpoints, checkpoints, mark},
    parked::{self, ParkedCount},
};
use domain::{Lane, Partition, Tier, Timestamp};
use event_store::{EventStore, Head, Position, RecordedEvent, Selection};
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

/// The pause between reads of the checkpoints while a reader waits for a worker of another process.
const POLL: Duration = Duration::from_millis(10);
/// The same while a worker of this process runs: it may be that the position does not exist, or that only other
/// partitions are behind.
const DOUBT: Duration = Duration::from_millis(100);

/// The known progress of the workers.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Per projection, the position up to which everything is applied; only while a worker of this process follows all
    /// partitions.
    pub(crate) settled: Option<BTreeMap<Projection, Position>>,
    /// Whether a worker of this process has begun.
    has_begun: bool,
    /// The last poll, while workers run in other processes.
    polled: Polled,
}

/// How far the read models are behind in one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneLag {
    pub lane: Lane,
    /// Events of the lane that a projection has not applied, as far as they were counted.
    pub waiting: usize,
    /// Events of all lanes from the oldest of them to the head of the log.
    pub lag: u64,
    /// When the oldest was recorded, by the clock of the process that appended it; `None` if none waits.
    pub oldest: Option<Timestamp>,
}

/// What a waiting reader polled for all readers.
#[derive(Debug, Default)]
struct Polled {
    /// The number of the poll, from 1.
    number: u64,
    head: Option<Head>,
    checkpoints: Checkpoints,
}

/// How far a projection is behind the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// The events from its oldest unapplied one to the log's head, both included; 0 if it has applied all.
    pub events: u64,
    /// The age of that event by the log's clock.
    pub age: Duration,
}

/// The oldest event that is not applied in a lane: its position, and when it was recorded.
type Oldest = (Position, Timestamp);

/// The progress of the read models. Clones share their knowledge.
#[derive(Clone)]
pub struct Progress {
    store: EventStore,
    database: Database,
    view: Arc<watch::Sender<View>>,
    turn: Arc<Mutex<()>>,
    /// The readers of this process that wait.
    waiting: Arc<watch::Sender<usize>>,
    /// The polls begun so far.
    readings: Arc<AtomicU64>,
    counters: Arc<Counters>,
}

impl Progress {
    /// For a process whose workers, if any, report through
    /// [`Worker::run`](crate::Worker::run) or [`Worker::start`](crate::Worker::start).
    #[must_use]
    pub fn new(store: EventStore, database: Database) -> Self {
        Self {
            store,
            database,
            view: Arc::default(),
            turn: Arc::default(),
            waiting: Arc::default(),
            readings: Arc::default(),
            counters: Arc::default(),
        }
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// The metrics of this process's worker; zeros without one.
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

    /// Records that the worker of this process follows its leased partitions, or has none to lease.
    pub(crate) fn begun(&self) {
        self.view.send_if_modified(|view| !std::mem::replace(&mut view.has_begun, true));
    }

    /// Waits until the worker of this process follows its leased partitions, at most for `deadline`.
    pub async fn wait_begun(&self, deadline: Duration) {
        let mut view = self.view.subscribe();
        let _ = tokio::time::timeout(deadline, view.wait_for(|view| view.has_begun)).await;
    }

    pub(crate) fn publish(&self, settled: Option<BTreeMap<Projection, Position>>) {
        self.view.send_modify(|view| view.settled = settled);
    }

    /// Waits until each projection has reached, in each partition and tier,
    /// `position` or the lane's head, whichever is less. Returns whether that happened within `deadline`. Reads no
    /// database if a worker of this process has settled `position`.
    pub async fn wait(&self, position: Position, projections: &[Projection], deadline: Duration) -> bool {
        self.wait_in(&Extent::Whole, position, projections, deadline).await
    }

    /// Like [`Progress::wait`], for some partitions only, so that a stalled partition delays only readers that need it.
    pub async fn wait_in(
        &self,
        extent: &Extent,
        position: Position,
        projections: &[Projection],
        deadline: Duration,
    ) -> bool {
        if self.has_settled(position, projections) {
            return true;
        }
        let _waiting = Waiting::among(&self.waiting);
        tokio::time::timeout(deadline, self.reached(extent, position, projections)).await.is_ok()
    }

    /// Waits until a reader of this process waits.
    pub(crate) async fn is_awaited(&self) {
        // The sender is this value's own: it outlives the wait.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await;
    }

    /// Whether a worker of this process has settled `position` in all partitions. Reads no database.
    #[must_use]
    pub fn has_settled(&self, position: Position, projections: &[Projection]) -> bool {
        is_settled(&self.view.borrow(), position, projections) == Some(true)
    }

    async fn reached(&self, extent: &Extent, position: Position, projections: &[Projection]) {
        let mut seen = self.view.subscribe();
        let before = self.readings.load(Relaxed);
        let mut head: Option<Head> = None;
        let mut polling = None;
        loop {
            let pause = {
                let view = seen.borrow_and_update();
                if head.is_none() {
                    head = view.polled.head_for(position, before).cloned();
                }
                let position = head.as_ref().map_or(position, |head| head.position.min(position));
                let settled = is_settled(&view, position, projections);
                let applied = &view.polled.checkpoints;
                if settled == Some(true)
                    || head.as_ref().is_some_and(|head| has_reached(applied, head, extent, position, projections))
                {
                    return;
                }
                if settled.is_some() { DOUBT } else { POLL }
            };
            // It goes on while the worker reports, however often.
            let poll = polling.get_or_insert_with(|| Box::pin(self.poll(pause)));
            tokio::select! {
                _ = seen.changed() => (),
                () = poll => polling = None,
            }
        }
    }

    /// Polls head and checkpoints after a pause, one reader for all.
    async fn poll(&self, pause: Duration) {
        let _turn = self.turn.lock().await;
        tokio::time::sleep(pause).await;
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

    /// The number of polls so far.
    #[must_use]
    pub fn readings(&self) -> u64 {
        self.readings.load(Relaxed)
    }

    /// Per projection, the events from its oldest unapplied one to the log's head, both included; 0 if it has applied
    /// all.
    ///
    /// # Errors
    /// If the log or the read models are unavailable.
    pub async fn lag(&self) -> Result<BTreeMap<Projection, u64>, Error> {
        let behind = self.behind().await?;
        Ok(behind.into_iter().map(|(projection, lag)| (projection, lag.events)).collect())
    }

    /// Per projection, how far it is behind the log.
    ///
    /// # Errors
    /// If the log or the read models are unavailable.
    pub async fn behind(&self) -> Result<BTreeMap<Projection, Lag>, Error> {
        let applied = checkpoints(&self.database).await?;
        let (head, now) = (self.store.head().await?, self.store.now());
        let mut oldest: BTreeMap<(Lane, Position), Oldest> = BTreeMap::new();
        let mut lags = BTreeMap::new();
        for projection in Projection::ALL {
            let mut lag = Lag::default();
            for lane in lanes(self.store.partitions()) {
                let checkpoint = applied.get(&(projection, lane.partition)).copied().unwrap_or_default();
                let after = mark(checkpoint.marks, lane.tier);
                if after >= head.heads.lane(lane) {
                    continue;
                }
                if let btree_map::Entry::Vacant(entry) = oldest.entry((lane, after)) {
                    let first = self.store.read_after(after, &Selection::Lane(lane), 1).await?;
                    let of = |event: &Arc<RecordedEvent>| (event.record.position, event.record.recorded_at);
                    entry.insert(first.first().map_or((head.position, now), of));
                }
                let (position, recorded_at) = oldest[&(lane, after)];
                let age = now.millis().saturating_sub(recorded_at.millis());
                lag.events = lag.events.max((head.position + 1).saturating_sub(position));
                lag.age = lag.age.max(Duration::from_millis(u64::try_from(age).unwrap_or_default()));
            }
            lags.insert(projection, lag);
        }
        Ok(lags)
    }
}

impl Progress {
    /// How far the read models are behind in each lane; waiting events are counted up to `most`.
    ///
    /// # Errors
    /// If the log or the read models are unavailable.
    pub async fn lanes(&self, most: u32) -> Result<Vec<LaneLag>, Error> {
        let applied = checkpoints(&self.database).await?;
        let head = self.store.head().await?;
        let mut behind = Vec::new();
        for lane in lanes(self.store.partitions()) {
            let reached = |projection: Projection| {
                let checkpoint = applied.get(&(projection, lane.partition)).copied().unwrap_or_default();
                mark(checkpoint.marks, lane.tier)
            };
            let after = Projection::ALL.into_iter().map(reached).min().unwrap_or_default();
            let waiting = if after < head.heads.lane(lane) {
                self.store.read_after(after, &Selection::Lane(lane), most).await?
            } else {
                Vec::new()
            };
            let oldest = waiting.first().map(|event| &event.record);
            behind.push(LaneLag {
                lane,
                waiting: waiting.len(),
                lag: oldest.map_or(0, |oldest| (head.position + 1).saturating_sub(oldest.position)),
                oldest: oldest.map(|oldest| oldest.recorded_at),
            });
        }
        Ok(behind)
    }

    /// The partitions that no worker follows.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn unheld(&self) -> Result<Vec<Partition>, Error> {
        Ok(unheld(&self.database, self.store.partitions()).await?)
    }

    /// The parked events, counted by partition and event type.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn parked(&self) -> Result<Vec<ParkedCount>, Error> {
        Ok(parked::counts(&self.database).await?)
    }
}

/// A reader that waits, until it is dropped.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn among(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

impl Polled {
    /// The head, if it decides the wait for `position` since the poll `before`. It has reached the position, or it is
    /// newer than the wait and the position does not exist.
    fn head_for(&self, position: Position, before: u64) -> Option<&Head> {
        self.head.as_ref().filter(|head| head.position >= position || self.number > before)
    }
}

/// `None` if no worker of this process knows.
fn is_settled(view: &View, position: Position, projections: &[Projection]) -> Option<bool> {
    let settled = view.settled.as_ref()?;
    Some(projections.iter().all(|projection| settled.get(projection).is_some_and(|settled| *settled >= position)))
}

fn has_reached(
    polled: &Checkpoints,
    head: &Head,
    extent: &Extent,
    position: Position,
    projections: &[Projection],
) -> bool {
    polled.iter().filter(|((projection, _), _)| projections.contains(projection)).count() > 0
        && projections.iter().all(|projection| {
            let mut of = polled.iter().filter(|((other, partition), _)| other == projection && extent.has(*partition));
            of.all(|((_, partition), checkpoint)| {
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
