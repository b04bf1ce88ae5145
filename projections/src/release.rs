//! Releasing a stream: its poisonous event is tried again and, when it goes through, those behind it.

use crate::{
    ApplyError, Error, Opened, ParkedId, Projection,
    attempt::{ATTEMPTS, Failure, attempt, open},
    checkpoint,
    parked::{BackOff, Stream, after, is_due},
};
use broker::{BACK_OFF, DeadLetter};
use domain::{Partition, Timestamp};
use event_store::{EventStore, Position, ReadError, RecordedEvent};
use sql::{Database, Transaction, query};
use std::{sync::Arc, time::Duration};

/// The most events of one transaction: neighbours wait for it.
const CHUNK: usize = 100;

/// Why a stream is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its poisonous event, which is of this partition, is due.
    Due(Partition),
    /// Somebody thinks that it goes through now.
    Requeue,
    /// Somebody gives it up for good.
    Discard,
}

/// What a release came to.
#[derive(Debug)]
pub(crate) struct Released {
    pub(crate) stream: Stream,
    /// How many events went through.
    pub(crate) through: u64,
    pub(crate) left: Left,
}

/// What is parked still.
#[derive(Debug)]
pub(crate) enum Left {
    Nothing,
    /// So many that they are left for another transaction, from this position on.
    More(Position),
    /// An event to try again after a pause.
    Waiting(Position, Duration),
    /// The event that was due was tried for the last time. No letter: the log does not have it.
    GivenUp(Option<Box<DeadLetter>>),
    /// An event that this build does not know: another build will try it.
    Unreadable,
    /// The event that somebody requeued waits for its next retry, or is given up, as before.
    Unchanged,
}

/// A release by the rules of a back-off, at some time.
pub(crate) struct Release<'a> {
    pub(crate) store: &'a EventStore,
    pub(crate) back_off: &'a BackOff,
    /// The build that tries.
    pub(crate) build: &'a str,
    pub(crate) now: Timestamp,
}

/// A parked event of the stream, as its row says.
struct Entry {
    position: Position,
    attempts: u64,
    retries: usize,
    partition: Option<i64>,
    retry_at: Option<i64>,
    /// The build that was the last to try it; nothing before the first try.
    build: String,
    unreadable: bool,
}

impl Release<'_> {
    /// Releases the stream whose poisonous event `id` names; `None` when there is none, or it is not due.
    ///
    /// # Errors
    /// A temporary error, after which the transaction must not be committed.
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
        let stream = Stream::new(first.get(5)?, first.get(6)?);
        let mut released = Released { stream, through: 0, left: Left::Nothing };
        for (n, row) in rows.iter().enumerate() {
            let entry = Entry {
                position: row.unsigned(0)?,
                attempts: row.unsigned(1)?,
                retries: usize::try_from(row.unsigned(2)?).unwrap_or(usize::MAX),
                partition: row.get(3)?,
                retry_at: row.get(4)?,
                build: row.get(7)?,
                unreadable: row.get(8)?,
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

    /// Locks the poisonous row until the transaction ends; answers whether there is one to release.
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

    /// Leaves an event for the next transaction, as one that is due.
    async fn postpone(&self, tx: &mut Transaction, projection: Projection, entry: &Entry) -> Result<(), Error> {
        let sql = "UPDATE parked SET state = 'poison', retry_at = $3 WHERE projection = $1 AND position = $2";
        let named = query(sql).bind(projection.name()).bind(entry.position);
        tx.execute(named.bind(self.now.millis())).await?;
        Ok(())
    }

    /// Tries an event; answers what is left when it fails.
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
        // For another build, too, it is the first time.
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

    /// The event; the inner error is one that stays.
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

/// Applies the parked events of a stream in order, beginning with the poisonous one that `id` names, whether it waits
/// for its next retry or was given up. Answers how many went through; when one fails it is the poisonous one from
/// here on, and those behind it stay.
///
/// # Errors
/// [`Error::NotParked`], or when log or read models are away.
pub async fn requeue(
    store: &EventStore,
    database: &Database,
    id: ParkedId,
    clock: fn() -> Timestamp,
) -> Result<u64, Error> {
    release(store, database, id, Cause::Requeue, clock).await
}

/// Gives the poisonous event up for good, and applies those behind it as [`requeue`] does. The read model then lacks
/// what the event said, until it is rebuilt by code that can apply it.
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
        // Of no build: whatever fails is still a worker's to try.
        let release = Release { store, back_off: &BACK_OFF, build: "", now: clock() };
        let Some(released) = release.run(&mut tx, id, cause).await? else {
            // A worker that took over what was left is as good.
            return through.ok_or(Error::NotParked);
        };
        tx.commit().await?;
        let sum = through.unwrap_or(0) + released.through;
        let Left::More(position) = released.left else { return Ok(sum) };
        (id.position, cause, through) = (position, Cause::Requeue, Some(sum));
    }
}
