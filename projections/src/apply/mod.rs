//! Applies events to projections and moves their checkpoints in the same transaction (I14).
//!
//! Live workers, rebuilds and verifications all use [`Applier`]; only the database differs.

mod batch;

use crate::{
    Error, ParkedId, Projection,
    checkpoint::{self, Checkpoint, Checkpoints, mark, raise},
    parked::{self, BackOff, Cause, Left, Release, Released, Stream},
};
use batch::{Task, newest};
use broker::{BACK_OFF, Marks};
use domain::{Partition, Tier, Timestamp};
use event_store::{EventStore, Position, RecordedEvent};
use sql::Database;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Applies the events of some partitions to some projections in one database.
pub struct Applier {
    store: EventStore,
    database: Database,
    clock: fn() -> Timestamp,
    back_off: BackOff,
    /// Names the build of this process; it retries the parked events of other builds.
    build: Arc<str>,
    checkpoints: Checkpoints,
    /// The streams with parked events. A stream that another process released stays here until its next event.
    parked: BTreeSet<(Projection, Stream)>,
    newly_parked: Vec<(ParkedId, Partition)>,
    until: Option<Checkpoints>,
    /// The last event per partition of the batch being applied.
    newest: checkpoint::Newest,
    /// The lock timeout, if it is shorter than usual.
    patience: Option<Duration>,
}

impl Applier {
    /// Loads the checkpoints of `projections` in `partitions`, and creates missing ones.
    pub async fn load(
        store: EventStore,
        database: Database,
        projections: &[Projection],
        partitions: &[Partition],
        clock: fn() -> Timestamp,
    ) -> Result<Self, Error> {
        checkpoint::ensure(&database, &store, projections).await?;
        let mut checkpoints = checkpoint::checkpoints(&database).await?;
        checkpoints
            .retain(|(projection, partition), _| projections.contains(projection) && partitions.contains(partition));
        let parked = parked::streams(&database).await?;
        let (back_off, newly_parked, build) = (BACK_OFF, Vec::new(), Arc::from(""));
        let (until, newest, patience) = (None, checkpoint::Newest::new(), None);
        Ok(Self { store, database, clock, back_off, build, checkpoints, parked, newly_parked, until, newest, patience })
    }

    /// Sets the pauses before events parked from now on are retried.
    pub(crate) const fn back_off(&mut self, back_off: BackOff) {
        self.back_off = back_off;
    }

    pub(crate) fn of_build(&mut self, build: &Arc<str>) {
        self.build = Arc::clone(build);
    }

    /// Sets the lock timeout from now on; `None`: the usual one.
    pub(crate) const fn patience(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }

    /// Sets checkpoints beyond which nothing is applied.
    pub(crate) fn until(&mut self, limits: Checkpoints) {
        self.until = Some(limits);
    }

    /// The marks of the projection that is furthest behind, per partition.
    #[must_use]
    pub fn marks(&self) -> BTreeMap<Partition, Marks> {
        let mut least: BTreeMap<Partition, Marks> = BTreeMap::new();
        for ((_, partition), Checkpoint { marks, .. }) in &self.checkpoints {
            let entry = least.entry(*partition).or_insert(*marks);
            entry.high = entry.high.min(marks.high);
            entry.medium = entry.medium.min(marks.medium);
        }
        least
    }

    /// The marks of one projection, per partition.
    pub(crate) fn marks_of(&self, projection: Projection) -> BTreeMap<Partition, Marks> {
        let of = self.checkpoints.iter().filter(|((other, _), _)| *other == projection);
        of.map(|((_, partition), checkpoint)| (*partition, checkpoint.marks)).collect()
    }

    /// The checkpoints of all projections.
    #[must_use]
    pub const fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// Applies events that come in an order that keeps I12, without gaps in any lane. Skips events that a projection
    /// has applied already.
    ///
    /// # Errors
    /// A temporary error: nothing was applied, and the same call may succeed later. [`Error::Overtaken`]: load the
    /// checkpoints again.
    pub async fn apply(&mut self, events: &[Arc<RecordedEvent>]) -> Result<(), Error> {
        self.apply_through(events, 0).await
    }

    /// Like [`Applier::apply`], and moves all checkpoints up to `through`; there are no other events up to it.
    pub(crate) async fn apply_through(
        &mut self,
        events: &[Arc<RecordedEvent>],
        through: Position,
    ) -> Result<(), Error> {
        let mut next = Checkpoints::new();
        let mut wanted: BTreeMap<Projection, Vec<usize>> = BTreeMap::new();
        for (n, event) in events.iter().enumerate() {
            for projection in self.step_over(event, &mut next) {
                wanted.entry(projection).or_default().push(n);
            }
        }
        self.step_through(through, &mut next);
        if next.is_empty() {
            return Ok(());
        }
        self.newest = newest(events, &next);
        let needed: BTreeSet<usize> = wanted.values().flatten().copied().collect();
        let opened = self.open(events, &needed).await?;
        let tasks: BTreeMap<Projection, Vec<Task<'_>>> = wanted
            .into_iter()
            .map(|(projection, all)| {
                let task = |n: usize| opened[n].as_ref().map(|opened| Task { event: &events[n], opened });
                (projection, all.into_iter().filter_map(task).collect())
            })
            .collect();

        match self.together(&tasks, &next).await {
            Err(Error::Apply(error)) if !error.is_temporary() => {
                tracing::warn!(error = %error, events = events.len(), "A batch failed; its events are applied one by one");
                self.one_by_one(&tasks, &next).await?;
            }
            done => done?,
        }
        self.newest.clear();
        self.checkpoints.extend(next);
        Ok(())
    }

    /// The failed events parked since the last call.
    pub(crate) fn take_parked(&mut self) -> Vec<(ParkedId, Partition)> {
        std::mem::take(&mut self.newly_parked)
    }

    /// Whether any parked event is known.
    pub(crate) fn has_parked(&self) -> bool {
        !self.parked.is_empty()
    }

    /// At most `limit` failed events that are due.
    pub(crate) async fn due(&self, limit: usize) -> Result<Vec<(ParkedId, Partition)>, sql::Error> {
        parked::due(&self.database, &self.partitions(), ((self.clock)(), &self.back_off), limit).await
    }

    /// At most `limit` failed events after `after` that another build tried last.
    pub(crate) async fn of_other_builds(
        &self,
        after: Option<ParkedId>,
        limit: usize,
    ) -> Result<Vec<(ParkedId, Partition)>, sql::Error> {
        parked::of_other_builds(&self.database, &self.partitions(), &self.build, after, limit).await
    }

    fn partitions(&self) -> Vec<Partition> {
        let partitions: BTreeSet<_> = self.checkpoints.keys().map(|(_, partition)| *partition).collect();
        partitions.into_iter().collect()
    }

    /// Retries a parked event and the events behind it. It takes a step of the checkpoint without passing an event, so
    /// that only the checkpoint's holder does it, and once. `None`: it is not due, or its partition is not applied
    /// here.
    ///
    /// # Errors
    /// As [`Applier::apply`].
    pub(crate) async fn retry(&mut self, id: ParkedId, partition: Partition) -> Result<Option<Released>, Error> {
        let key = (id.projection, partition);
        let Some(now) = self.checkpoints.get(&key) else { return Ok(None) };
        let next = Checkpoints::from([(key, Checkpoint { number: now.number + 1, marks: now.marks })]);
        self.newest.clear();
        let mut tx = self.begin(&next).await?;
        let build = &self.build;
        let release = Release { store: &self.store, back_off: &self.back_off, build, now: (self.clock)() };
        let Some(released) = release.run(&mut tx, id, Cause::Due(partition)).await? else {
            tx.rollback().await?;
            return Ok(None);
        };
        tx.commit().await?;
        self.checkpoints.extend(next);
        let key = (id.projection, released.stream.clone());
        if matches!(released.left, Left::Nothing) {
            self.parked.remove(&key);
        } else {
            self.parked.insert(key);
        }
        Ok(Some(released))
    }

    /// Moves the checkpoints in `next` past the event. Returns the projections that must apply it.
    fn step_over(&self, event: &RecordedEvent, next: &mut Checkpoints) -> Vec<Projection> {
        let record = &event.record;
        let (tier, partition) = (record.lane.tier, record.lane.partition);
        let mut wanting = Vec::new();
        for projection in Projection::ALL {
            let key = (projection, partition);
            let Some(now) = self.checkpoints.get(&key) else { continue };
            let ahead = next.get(&key).copied().unwrap_or(*now);
            let is_beyond = self.limit(key, tier).is_some_and(|limit| record.position > limit);
            if is_beyond || record.position <= mark(ahead.marks, tier) {
                continue;
            }
            let step = next.entry(key).or_insert(Checkpoint { number: now.number + 1, marks: now.marks });
            raise(&mut step.marks, tier, record.position);
            if projection.takes(&record.aggregate_type) {
                wanting.push(projection);
            }
        }
        wanting
    }

    /// Moves the checkpoints in `next` up to `through`, or to their limit.
    fn step_through(&self, through: Position, next: &mut Checkpoints) {
        for (key, now) in &self.checkpoints {
            for tier in Tier::DURABLE {
                let end = self.limit(*key, tier).map_or(through, |limit| limit.min(through));
                let ahead = next.get(key).copied().unwrap_or(*now);
                if mark(ahead.marks, tier) < end {
                    let step = next.entry(*key).or_insert(Checkpoint { number: now.number + 1, marks: now.marks });
                    raise(&mut step.marks, tier, end);
                }
            }
        }
    }

    fn limit(&self, key: (Projection, Partition), tier: Tier) -> Option<Position> {
        let until = self.until.as_ref()?;
        Some(until.get(&key).map_or(0, |until| mark(until.marks, tier)))
    }
}
