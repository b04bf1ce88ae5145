//! A batch of events in one transaction with its step: all at once, or one by one after a failure.

use super::Applier;
use crate::{
    Error, Opened, ParkedId, Projection,
    checkpoint::{self, Checkpoints},
    parked::{self, ATTEMPTS, Failure, Poison, Stream, after, attempt, open},
};
use event_store::RecordedEvent;
use metrics::histogram;
use sql::Transaction;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::time::Instant;

/// An event that a projection applies.
pub(super) struct Task<'e> {
    pub(super) event: &'e Arc<RecordedEvent>,
    pub(super) opened: &'e Result<Opened<'e>, Failure>,
}

impl Applier {
    /// Opens the needed events. One that cannot be opened is parked.
    pub(super) async fn open<'e>(
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

    /// Begins with the step, so that an overtaken worker stops here, before it blames an event.
    pub(super) async fn begin(&self, next: &Checkpoints) -> Result<Transaction, Error> {
        let mut tx = checkpoint::begin(&self.database).await?;
        if let Some(patience) = self.patience {
            checkpoint::wait_less(&mut tx, patience).await?;
        }
        checkpoint::step(&mut tx, next).await?;
        checkpoint::note_applied(&mut tx, &self.newest, next).await?;
        Ok(tx)
    }

    /// The usual case: all events of a projection at once.
    pub(super) async fn together(
        &mut self,
        tasks: &BTreeMap<Projection, Vec<Task<'_>>>,
        next: &Checkpoints,
    ) -> Result<(), Error> {
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
            let began = Instant::now();
            projection.apply(&mut tx, &ready).await.map_err(Error::Apply)?;
            let seconds = histogram!("chatchit_projection_apply_seconds", "projection" => projection.name());
            seconds.record(began.elapsed());
        }
        Ok(tx.commit().await?)
    }

    /// After a failure: each event behind its own savepoint, so that only the failing one is parked.
    pub(super) async fn one_by_one(
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
                    "An event could not be applied and is parked until its next retry"
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

    /// Whether the event's stream is parked. If so, parks the event behind it.
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

/// The last event in each partition whose checkpoint moves.
pub(super) fn newest(events: &[Arc<RecordedEvent>], next: &Checkpoints) -> checkpoint::Newest {
    let mut newest = checkpoint::Newest::new();
    for record in events.iter().map(|event| &event.record) {
        let (partition, this) = (record.lane.partition, (record.position, record.digest));
        if next.keys().any(|(_, of)| *of == partition) {
            let last = newest.entry(partition).or_insert(this);
            *last = (*last).max(this);
        }
    }
    newest
}
