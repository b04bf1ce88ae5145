//! Parked events: a poisonous event and, behind it, the later events of its stream (I15).
//!
//! Whoever decides about a stream's parked events first locks its poisonous row, by a harmless update: so a
//! worker that parks one more behind, and an operator who applies them all, never pass each other.

use crate::{
    ApplyError, Error, Projection,
    attempt::{attempt, open},
    checkpoint,
};
use domain::Timestamp;
use event_store::{EventStore, Position, ReadError, Record};
use sql::{Database, Row, Transaction, query};
use std::{collections::BTreeSet, fmt, str::FromStr};
use uuid::Uuid;

/// A stream, as it is named in the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stream {
    aggregate_type: String,
    aggregate_id: Uuid,
}

impl Stream {
    pub(crate) fn of(record: &Record) -> Self {
        Self { aggregate_type: record.aggregate_type.clone(), aggregate_id: record.aggregate_id }
    }
}

/// Names a parked event: `messages:4711`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParkedId {
    /// Which projection could not apply it.
    pub projection: Projection,
    /// Its position.
    pub position: Position,
}

impl fmt::Display for ParkedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.projection, self.position)
    }
}

impl FromStr for ParkedId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let (projection, position) = text.split_once(':').ok_or(Error::NotParked)?;
        Ok(Self {
            projection: projection.parse().map_err(|_| Error::NotParked)?,
            position: position.parse().map_err(|_| Error::NotParked)?,
        })
    }
}

/// Why an event is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkedState {
    /// It could not be applied.
    Poison,
    /// An earlier event of its stream could not.
    Behind,
}

impl ParkedState {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poison => "poison",
            Self::Behind => "behind",
        }
    }
}

/// A parked event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Its name.
    pub id: ParkedId,
    /// The stream's aggregate.
    pub aggregate_type: String,
    /// The stream's id.
    pub aggregate_id: Uuid,
    /// What kind of event.
    pub event_type: String,
    /// Why it is parked.
    pub state: ParkedState,
    /// What was wrong; empty for one that is merely behind.
    pub error: String,
    /// How often it was tried.
    pub attempts: u64,
    /// Since when.
    pub parked_at: Timestamp,
}

pub(crate) const COLUMNS: &str =
    "projection, position, aggregate_type, aggregate_id, event_type, state, error, attempts, parked_at";

/// All parked events, oldest first.
///
/// # Errors
/// When the read models are away.
pub async fn list_parked(database: &Database) -> Result<Vec<Parked>, sql::Error> {
    let rows = database.fetch_all(query(format!("SELECT {COLUMNS} FROM parked ORDER BY position, projection"))).await?;
    let mut parked = Vec::with_capacity(rows.len());
    for row in &rows {
        parked.extend(parse(row)?);
    }
    Ok(parked)
}

/// `None` for a projection that this build does not have.
fn parse(row: &Row) -> Result<Option<Parked>, sql::Error> {
    let Ok(projection) = row.get::<String>(0)?.parse() else { return Ok(None) };
    Ok(Some(Parked {
        id: ParkedId { projection, position: row.unsigned(1)? },
        aggregate_type: row.get(2)?,
        aggregate_id: row.get(3)?,
        event_type: row.get(4)?,
        state: if row.get::<String>(5)? == "poison" { ParkedState::Poison } else { ParkedState::Behind },
        error: row.get(6)?,
        attempts: row.unsigned(7)?,
        parked_at: Timestamp::from_millis(row.get(8)?),
    }))
}

/// The streams with parked events.
pub(crate) async fn streams(database: &Database) -> Result<BTreeSet<(Projection, Stream)>, sql::Error> {
    let parked = list_parked(database).await?.into_iter();
    let stream = |parked: Parked| Stream { aggregate_type: parked.aggregate_type, aggregate_id: parked.aggregate_id };
    Ok(parked.map(|parked| (parked.id.projection, stream(parked))).collect())
}

/// Locks the stream's poisonous row until the transaction ends; answers whether there is one.
pub(crate) async fn hold(tx: &mut Transaction, projection: Projection, stream: &Stream) -> Result<bool, sql::Error> {
    let sql = "UPDATE parked SET attempts = attempts \
               WHERE projection = $1 AND aggregate_type = $2 AND aggregate_id = $3 AND state = 'poison'";
    let held = query(sql).bind(projection.name()).bind(stream.aggregate_type.as_str()).bind(stream.aggregate_id);
    Ok(tx.execute(held).await? > 0)
}

pub(crate) async fn park(
    tx: &mut Transaction,
    projection: Projection,
    record: &Record,
    error: &str,
    attempts: u32,
    at: Timestamp,
) -> Result<(), sql::Error> {
    insert(tx, projection, record, ParkedState::Poison, error, attempts, at).await
}

pub(crate) async fn park_behind(
    tx: &mut Transaction,
    projection: Projection,
    record: &Record,
    at: Timestamp,
) -> Result<(), sql::Error> {
    insert(tx, projection, record, ParkedState::Behind, "", 0, at).await
}

async fn insert(
    tx: &mut Transaction,
    projection: Projection,
    record: &Record,
    state: ParkedState,
    error: &str,
    attempts: u32,
    at: Timestamp,
) -> Result<(), sql::Error> {
    let sql = format!("INSERT INTO parked ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    let named = query(sql).bind(projection.name()).bind(record.position).bind(record.aggregate_type.as_str());
    let typed = named.bind(record.aggregate_id).bind(record.event_type.as_str()).bind(state.as_str());
    tx.execute(typed.bind(error).bind(attempts).bind(at.millis())).await?;
    Ok(())
}

/// Applies the parked events of a stream in order, beginning with the poisonous one that `id` names. Answers how
/// many went through; when one fails it is the poisonous one from here on, and those behind it stay.
///
/// # Errors
/// [`Error::NotParked`], or when log or read models are away.
pub async fn requeue(store: &EventStore, database: &Database, id: ParkedId) -> Result<u64, Error> {
    release(store, database, id, false).await
}

/// Gives the poisonous event up, and applies those behind it as [`requeue`] does. The read model then lacks what
/// the event said, until it is rebuilt by code that can apply it.
///
/// # Errors
/// As [`requeue`].
pub async fn discard(store: &EventStore, database: &Database, id: ParkedId) -> Result<u64, Error> {
    release(store, database, id, true).await
}

async fn release(store: &EventStore, database: &Database, id: ParkedId, skip_first: bool) -> Result<u64, Error> {
    let mut tx = checkpoint::begin(database).await?;
    let sql = "UPDATE parked SET attempts = attempts + 1 WHERE projection = $1 AND position = $2 AND state = 'poison'";
    if tx.execute(query(sql).bind(id.projection.name()).bind(id.position)).await? == 0 {
        return Err(Error::NotParked);
    }
    let sql = "SELECT behind.position FROM parked poison JOIN parked behind ON behind.projection = poison.projection \
               AND behind.aggregate_type = poison.aggregate_type AND behind.aggregate_id = poison.aggregate_id \
               WHERE poison.projection = $1 AND poison.position = $2 ORDER BY behind.position";
    let rows = tx.fetch_all(query(sql).bind(id.projection.name()).bind(id.position)).await?;
    let mut through = 0;
    for row in &rows {
        let position = row.unsigned(0)?;
        if !(skip_first && position == id.position) {
            let event = store.read_at(position).await?.ok_or_else(|| gone(position))?;
            let opened = match open(store, &event).await {
                Err(error) if error.is_temporary() => return Err(Error::Apply(error)),
                opened => opened.map_err(|error: ApplyError| error.to_string()),
            };
            if let Err(error) = attempt(&mut tx, id.projection, &opened).await? {
                let sql = "UPDATE parked SET state = 'poison', error = $3 WHERE projection = $1 AND position = $2";
                tx.execute(query(sql).bind(id.projection.name()).bind(position).bind(error)).await?;
                break;
            }
            through += 1;
        }
        let sql = "DELETE FROM parked WHERE projection = $1 AND position = $2";
        tx.execute(query(sql).bind(id.projection.name()).bind(position)).await?;
    }
    tx.commit().await?;
    Ok(through)
}

fn gone(position: Position) -> Error {
    Error::Read(ReadError::Damaged(format!("there is no event at position {position}")))
}
