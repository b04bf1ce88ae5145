//! Applies events to projections and moves their checkpoints in the same transaction (I14).
//!
//! Live workers, rebuilds and verifications all go through [`Applier`]: the place is the only difference.

use crate::{
    Error, Opened, ParkedId, Projection,
    attempt::{ATTEMPTS, Failure, attempt, open},
    checkpoint::{self, Checkpoint, Checkpoints, mark, raise},
    parked::{self, BackOff, Poison, Stream, after},
    release::{Cause, Left, Release, Released},
};
use broker::{BACK_OFF, Marks};
use domain::{Partition, Tier, Timestamp};
use event_store::{EventStore, Position, RecordedEvent};
use sql::{Database, Transaction};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Applies events to some projections in one place, for some partitions.
pub(crate) struct Applier {
    store: EventStore,
    database: Database,
    clock: fn() -> Timestamp,
    back_off: BackOff,
    /// Names the build of this process: what another one could not apply is tried again.
    build: Arc<str>,
    checkpoints: Checkpoints,
    /// The streams with parked events; released by somebody else, one stays here until its next event.
    parked: BTreeSet<(Projection, Stream)>,
    newly_parked: Vec<(ParkedId, Partition)>,
    until: Option<Checkpoints>,
    /// How long locks are waited for, when it is less than usual.
    patience: Option<Duration>,
}

/// What a projection is to do with an event.
struct Task<'e> {
    event: &'e Arc<RecordedEvent>,
    opened: &'e Result<Opened<'e>, Failure>,
}

impl Applier {
    /// Loads the checkpoints of `projections` in `partitions`, making the first ones.
    pub(crate) async fn load(
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
        let (until, patience) = (None, None);
        Ok(Self { store, database, clock, back_off, build, checkpoints, parked, newly_parked, until, patience })
    }

    /// Lets what is parked from now on rest for these pauses.
    pub(crate) const fn back_off(&mut self, back_off: BackOff) {
        self.back_off = back_off;
    }

    /// Names the build of this process.
    pub(crate) fn of_build(&mut self, build: &Arc<str>) {
        self.build = Arc::clone(build);
    }

    /// Waits no longer for locks than this from now on; `None`: as long as usual.
    pub(crate) const fn patience(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }

    /// Applies nothing beyond these checkpoints.
    pub(crate) fn until(&mut self, limits: Checkpoints) {
        self.until = Some(limits);
    }

    /// How far the projection that has come least far has come, in each partition.
    pub(crate) fn marks(&self) -> BTreeMap<Partition, Marks> {
        let mut least: BTreeMap<Partition, Marks> = BTreeMap::new();
        for ((_, partition), Checkpoint { marks, .. }) in &self.checkpoints {
            let entry = least.entry(*partition).or_insert(*marks);
            entry.high = entry.high.min(marks.high);
            entry.medium = entry.medium.min(marks.medium);
        }
        least
    }

    /// How far one projection has come.
    pub(crate) fn marks_of(&self, projection: Projection) -> BTreeMap<Partition, Marks> {
        let of = self.checkpoints.iter().filter(|((other, _), _)| *other == projection);
        of.map(|((_, partition), checkpoint)| (*partition, checkpoint.marks)).collect()
    }

    /// How far each projection has come.
    pub(crate) const fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// Applies events, which come in an order that keeps I12, lane by lane without a hole. Those that a
    /// projection has applied already are passed over.
    ///
    /// # Errors
    /// A temporary error: nothing was applied, and the same call may succeed later. [`Error::Overtaken`]: load
    /// again.
    pub(crate) async fn apply(&mut self, events: &[Arc<RecordedEvent>]) -> Result<(), Error> {
        self.apply_through(events, 0).await
    }

    /// The same, and moves all checkpoints up to `through`, below which there are no events but these.
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
                tracing::warn!(error = %error, events = events.len(), "A batch failed; its events are tried one by one");
                self.one_by_one(&tasks, &next).await?;
            }
            done => done?,
        }
        self.checkpoints.extend(next);
        Ok(())
    }

    /// The poisonous events parked since this was last asked.
    pub(crate) fn take_parked(&mut self) -> Vec<(ParkedId, Partition)> {
        std::mem::take(&mut self.newly_parked)
    }

    /// Whether it knows of parked events.
    pub(crate) fn has_parked(&self) -> bool {
        !self.parked.is_empty()
    }

    /// At most `limit` poisonous events that are due.
    pub(crate) async fn due(&self, limit: usize) -> Result<Vec<(ParkedId, Partition)>, sql::Error> {
        parked::due(&self.database, &self.partitions(), ((self.clock)(), &self.back_off), limit).await
    }

    /// At most `limit` poisonous events after one that another build was the last to try.
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

    /// Tries a parked event again, and those behind it. A step like any other, though it passes no event: so only
    /// who holds the checkpoint does it, and does it once. `None`: it is not due, or not this one's business.
    ///
    /// # Errors
    /// As [`Applier::apply`].
    pub(crate) async fn retry(&mut self, id: ParkedId, partition: Partition) -> Result<Option<Released>, Error> {
        let key = (id.projection, partition);
        let Some(now) = self.checkpoints.get(&key) else { return Ok(None) };
        let next = Checkpoints::from([(key, Checkpoint { number: now.number + 1, marks: now.marks })]);
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

    /// Moves the checkpoints in `next` past the event; answers the projections that are to apply it.
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

    /// Opens the needed events; one that does not open is a poisonous one.
    async fn open<'e>(
        &self,
        events: &'e [Arc<RecordedEvent>],
        needed: &BTreeSet<usize>,
    ) -> Result<Vec<Option<Result<Opened<'e>, Failure>>>, Error> {
        let mut opened = Vec::with_capacity(events.len());
        for (n, event) in events.iter().enumerate() {
            if !needed.contains(&n) {
                opened.push(None);
                continue;
            }
            opened.push(Some(match open(&self.store, event).await {
                Err(error) if error.is_temporary() => return Err(Error::Apply(error)),
                Err(error) => Err(error.into()),
                Ok(event) => Ok(event),
            }));
        }
        Ok(opened)
    }

    /// Begins with the step: whoever was overtaken stops here, before blaming an event for it.
    async fn begin(&self, next: &Checkpoints) -> Result<Transaction, Error> {
        let mut tx = checkpoint::begin(&self.database).await?;
        if let Some(patience) = self.patience {
            checkpoint::wait_less(&mut tx, patience).await?;
        }
        checkpoint::step(&mut tx, next).await?;
        Ok(tx)
    }

    /// The usual way: all events of a projection at once.
    async fn together(&mut self, tasks: &BTreeMap<Projection, Vec<Task<'_>>>, next: &Checkpoints) -> Result<(), Error> {
        let unopened = tasks.values().flatten().any(|task| task.opened.is_err());
        if unopened {
            return self.one_by_one(tasks, next).await;
        }
        let mut tx = self.begin(next).await?;
        for (projection, tasks) in tasks {
            let mut ready = Vec::with_capacity(tasks.len());
            for task in tasks {
                if let Ok(opened) = task.opened
                    && !self.is_held(&mut tx, *projection, task.event).await?
                {
                    ready.push(*opened);
                }
            }
            projection.apply(&mut tx, &ready).await.map_err(Error::Apply)?;
        }
        Ok(tx.commit().await?)
    }

    /// After a failure: each event behind a savepoint of its own, so that the one to blame is parked alone.
    async fn one_by_one(
        &mut self,
        tasks: &BTreeMap<Projection, Vec<Task<'_>>>,
        next: &Checkpoints,
    ) -> Result<(), Error> {
        let mut tx = self.begin(next).await?;
        let mut newly_parked = Vec::new();
        for (projection, tasks) in tasks {
            for task in tasks {
                if self.is_held(&mut tx, *projection, task.event).await? {
                    continue;
                }
                let Err(failure) = attempt(&mut tx, *projection, task.opened, ATTEMPTS).await? else { continue };
                let Failure { error, unreadable } = failure;
                let record = &task.event.record;
                tracing::warn!(
                    projection = projection.name(),
                    position = record.position,
                    event_type = record.event_type,
                    error,
                    unreadable,
                    "An event could not be applied and is parked until it is tried again"
                );
                let at = (self.clock)();
                let retry_at = (!unreadable).then(|| after(at, self.back_off[0]));
                let poison = Poison { error: &error, attempts: ATTEMPTS, retry_at, unreadable, build: &self.build };
                parked::park(&mut tx, *projection, record, Some(poison), at).await?;
                self.parked.insert((*projection, Stream::of(record)));
                if !unreadable {
                    let id = ParkedId { projection: *projection, position: record.position };
                    newly_parked.push((id, record.lane.partition));
                }
            }
        }
        tx.commit().await?;
        self.newly_parked.extend(newly_parked);
        Ok(())
    }

    /// Whether the event's stream is parked; the event is then parked behind.
    async fn is_held(
        &mut self,
        tx: &mut Transaction,
        projection: Projection,
        event: &RecordedEvent,
    ) -> Result<bool, Error> {
        if self.parked.is_empty() {
            return Ok(false);
        }
        let key = (projection, Stream::of(&event.record));
        if !self.parked.contains(&key) {
            return Ok(false);
        }
        if parked::hold(tx, projection, &key.1).await? {
            parked::park(tx, projection, &event.record, None, (self.clock)()).await?;
            return Ok(true);
        }
        self.parked.remove(&key);
        Ok(false)
    }
}
