//! Releases a stream: retries its failed event and, if that succeeds, the events behind it.

use super::{
    attempt::{ATTEMPTS, Failure, attempt, open},
    back_off::{BackOff, after},
    event::ParkedId,
    table::{Stream, is_due},
};
use crate::{ApplyError, Error, Opened, Projection, checkpoint};
use broker::{BACK_OFF, DeadLetter};
use domain::{Partition, Timestamp};
use event_store::{EventStore, Position, ReadError, RecordedEvent};
use sql::{Database, Transaction, query};
use std::{sync::Arc, time::Duration};

/// The most events per transaction; other streams wait for it.
const CHUNK: usize = 100;

/// Why a stream is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its failed event, of this partition, is due.
    Due(Partition),
    /// An operator retries it.
    Requeue,
    /// An operator discards its failed event.
    Discard,
}

/// The result of a release.
#[derive(Debug)]
pub(crate) struct Released {
    pub(crate) stream: Stream,
    /// The number of events applied.
    pub(crate) through: u64,
    pub(crate) left: Left,
}

/// The part of the stream that is still parked.
#[derive(Debug)]
pub(crate) enum Left {
    Nothing,
    /// The rest, left for another transaction, from this position on.
    More(Position),
    /// An event to retry after a pause.
    Waiting(Position, Duration),
    /// The last retry failed. No letter if the log does not have the event.
    GivenUp(Option<Box<DeadLetter>>),
    /// An event that this build does not know; another build retries it.
    Unreadable,
    /// The requeued event failed, and keeps its next retry or stays given up.
    Unchanged,
}

/// A release under a back-off at some time.
pub(crate) struct Release<'a> {
    pub(crate) store: &'a EventStore,
    pub(crate) back_off: &'a BackOff,
    /// The build that retries.
    pub(crate) build: &'a str,
    pub(crate) now: Timestamp,
}

/// The row of a parked event of the stream.
struct Entry {
    position: Position,
    attempts: u64,
    retries: usize,
    partition: Option<i64>,
    retry_at: Option<i64>,
    /// The build that tried it last; empty before the first attempt.
    build: String,
    unreadable: bool,
}

impl Release<'_> {
    /// Releases the stream whose failed event `id` names; `None` if there is none or it is not due.
    ///
    /// # Errors
    /// A temporary error; the transaction must not be committed then.
    pub(crate) async fn run(
        &self,
        tx: &mut Transaction,
        id: ParkedId,
        cause: Cause,
    ) -> Result<Option<Released>, Error> {
        if !self.lock(tx, id, cause).await? {
            return Ok(None);
        }
        let sql = format!(
            "SELECT e.position, e.attempts, e.retries, e.partition, e.retry_at, e.aggregate_type, e.aggregate_id, \
             e.build, e.unreadable \
             FROM parked poison JOIN parked e ON e.projection = poison.projection \
             AND e.aggregate_type = poison.aggregate_type AND e.aggregate_id = poison.aggregate_id \
             WHERE poison.projection = $1 AND poison.position = $2 ORDER BY e.position LIMIT {}",
            CHUNK + 1
        );
        let rows = tx.fetch_all(query(sql).bind(id.projection.name()).bind(id.position)).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let stream = Stream::new(first.get("aggregate_type")?, first.get("aggregate_id")?);
        let mut released = Released { stream, through: 0, left: Left::Nothing };
        for (n, row) in rows.iter().enumerate() {
            let entry = Entry {
                position: row.unsigned("position")?,
                attempts: row.unsigned("attempts")?,
                retries: usize::try_from(row.unsigned("retries")?).unwrap_or(usize::MAX),
                partition: row.get("partition")?,
                retry_at: row.get("retry_at")?,
                build: row.get("build")?,
                unreadable: row.get("unreadable")?,
            };
            if n == CHUNK {
                self.postpone(tx, id.projection, &entry).await?;
                released.left = Left::More(entry.position);
                break;
            }
            if cause != Cause::Discard || n > 0 {
                if let Some(left) = self.attempt(tx, id.projection, &entry, cause).await? {
                    released.left = left;
                    break;
                }
                released.through += 1;
            }
            let sql = "DELETE FROM parked WHERE projection = $1 AND position = $2";
            tx.execute(query(sql).bind(id.projection.name()).bind(entry.position)).await?;
        }
        Ok(Some(released))
    }

    /// Locks the failed event's row until the transaction ends. Returns whether there is one to release.
    async fn lock(&self, tx: &mut Transaction, id: ParkedId, cause: Cause) -> Result<bool, sql::Error> {
        let sql = "UPDATE parked SET attempts = attempts WHERE projection = $1 AND position = $2 AND state = 'poison'";
        let locked = match cause {
            Cause::Requeue | Cause::Discard => query(sql).bind(id.projection.name()).bind(id.position),
            Cause::Due(partition) => {
                let (is_due, times) = is_due(4, self.now, self.back_off);
                let named = query(format!("{sql} AND partition = $3 AND ({is_due} OR build <> $6)"));
                let named = named.bind(id.projection.name()).bind(id.position).bind(partition.0);
                named.bind_all(times).bind(self.build)
            }
        };
        Ok(tx.execute(locked).await? > 0)
    }

    /// Leaves an event for the next transaction, as due.
    async fn postpone(&self, tx: &mut Transaction, projection: Projection, entry: &Entry) -> Result<(), Error> {
        let sql = "UPDATE parked SET state = 'poison', retry_at = $3 WHERE projection = $1 AND position = $2";
        let named = query(sql).bind(projection.name()).bind(entry.position);
        tx.execute(named.bind(self.now.millis())).await?;
        Ok(())
    }

    /// Retries an event. Returns what remains parked if it fails.
    async fn attempt(
        &self,
        tx: &mut Transaction,
        projection: Projection,
        entry: &Entry,
        cause: Cause,
    ) -> Result<Option<Left>, Error> {
        let is_first = entry.attempts == 0;
        let tries = if is_first { ATTEMPTS } else { 1 };
        let event = self.read(entry.position).await?;
        let opened = match &event {
            Ok(event) => self.open(event).await?,
            Err(error) => Err(error.clone().into()),
        };
        let Err(failure) = attempt(tx, projection, &opened, tries).await? else { return Ok(None) };

        let is_due = matches!(cause, Cause::Due(_));
        // Another build counts its own first attempt.
        let is_new = is_first || (is_due && entry.build != self.build);
        let retries = if is_new { 0 } else { entry.retries + usize::from(is_due) };
        let pause = self.back_off.get(retries).copied();
        let is_counted = is_new || is_due;
        let Failure { error, unreadable } = failure;
        let (retry_at, build, unreadable) = match is_counted {
            true if unreadable => (None, self.build, true),
            true => (pause.map(|pause| after(self.now, pause).millis()), self.build, false),
            false => (entry.retry_at, entry.build.as_str(), entry.unreadable),
        };
        let partition = event.as_ref().ok().map(|event| i64::from(event.record.lane.partition.0)).or(entry.partition);
        let attempts = entry.attempts + u64::from(tries);
        let sql = "UPDATE parked SET state = 'poison', error = $3, attempts = $4, partition = $5, retries = $6, \
                   retry_at = $7, build = $8, unreadable = $9 WHERE projection = $1 AND position = $2";
        let named = query(sql).bind(projection.name()).bind(entry.position).bind(error.as_str()).bind(attempts);
        let named = named.bind(partition).bind(retries as u64).bind(retry_at).bind(build).bind(unreadable);
        tx.execute(named).await?;
        Ok(Some(match pause {
            _ if !is_counted => Left::Unchanged,
            _ if unreadable => Left::Unreadable,
            Some(pause) => Left::Waiting(entry.position, pause),
            None => {
                let consumer = projection.name().to_owned();
                let letter = |event: Arc<RecordedEvent>| {
                    Box::new(DeadLetter { consumer, record: event.record.clone(), error, attempts })
                };
                Left::GivenUp(event.ok().map(letter))
            }
        }))
    }

    /// Reads the event; the inner error is permanent.
    async fn read(&self, position: Position) -> Result<Result<Arc<RecordedEvent>, String>, Error> {
        match self.store.read_at(position).await {
            Ok(Some(event)) => Ok(Ok(event)),
            Ok(None) => Ok(Err(format!("there is no event at position {position}"))),
            Err(error @ ReadError::Unavailable(_)) => Err(Error::Read(error)),
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    async fn open<'e>(&self, event: &'e RecordedEvent) -> Result<Result<Opened<'e>, Failure>, Error> {
        match open(self.store, event).await {
            Err(error) if error.is_temporary() => Err(Error::Apply(error)),
            opened => Ok(opened.map_err(|error: ApplyError| error.into())),
        }
    }
}

/// Applies the parked events of a stream in order, beginning with the failed event `id`, waiting or given up.
/// Returns the number applied. An event that fails becomes the first, and those behind it stay parked.
///
/// # Errors
/// [`Error::NotParked`], or if the log or the read models are unavailable.
pub async fn requeue(
    store: &EventStore,
    database: &Database,
    id: ParkedId,
    clock: fn() -> Timestamp,
) -> Result<u64, Error> {
    release(store, database, id, Cause::Requeue, clock).await
}

/// Discards the failed event for good, and applies those behind it as [`requeue`] does. The read model lacks the
/// event until a build that can apply it rebuilds the projection.
///
/// # Errors
/// As [`requeue`].
pub async fn discard(
    store: &EventStore,
    database: &Database,
    id: ParkedId,
    clock: fn() -> Timestamp,
) -> Result<u64, Error> {
    release(store, database, id, Cause::Discard, clock).await
}

async fn release(
    store: &EventStore,
    database: &Database,
    mut id: ParkedId,
    mut cause: Cause,
    clock: fn() -> Timestamp,
) -> Result<u64, Error> {
    let mut through = None;
    loop {
        let mut tx = checkpoint::begin(database).await?;
        // Under no build's name, so that every worker retries what fails here.
        let release = Release { store, back_off: &BACK_OFF, build: "", now: clock() };
        let Some(released) = release.run(&mut tx, id, cause).await? else {
            // A worker has released the rest.
            return through.ok_or(Error::NotParked);
        };
        tx.commit().await?;
        let sum = through.unwrap_or(0) + released.through;
        let Left::More(position) = released.left else { return Ok(sum) };
        (id.position, cause, through) = (position, Cause::Requeue, Some(sum));
    }
}
