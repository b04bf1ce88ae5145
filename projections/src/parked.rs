//! Parked events: a poisonous event and, behind it, the later events of its stream (I15).
//!
//! The poisonous one is tried again after each pause of a [`BackOff`], and then given up. The table says when it is
//! due; the broker's hints only save the wait for the next look.
//!
//! Whoever decides about a stream's parked events first locks its poisonous row, by a harmless update: so a
//! worker that parks one more behind, and an operator who applies them all, never pass each other.

use crate::{Error, Projection};
use domain::{Partition, Timestamp};
use event_store::{Position, Record};
use sql::{Database, Row, Transaction, Value, placeholders, query};
use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};
use uuid::Uuid;

/// How long an event rests before the first retry, the second, …
pub(crate) type BackOff = [Duration; broker::BACK_OFF.len()];

/// A stream, as it is named in the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stream {
    aggregate_type: String,
    aggregate_id: Uuid,
}

impl Stream {
    pub(crate) const fn new(aggregate_type: String, aggregate_id: Uuid) -> Self {
        Self { aggregate_type, aggregate_id }
    }

    pub(crate) fn of(record: &Record) -> Self {
        Self::new(record.aggregate_type.clone(), record.aggregate_id)
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
    /// It could not be applied, and is tried again by itself.
    Waiting,
    /// It could not be applied, however often it was tried.
    GivenUp,
    /// The build that tried it does not know such an event: another build tries it again.
    Unreadable,
    /// An earlier event of its stream is parked.
    Behind,
}

impl ParkedState {
    /// A word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::GivenUp => "given_up",
            Self::Unreadable => "unreadable",
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
    /// When it is tried again, for one that is waiting.
    pub retry_at: Option<Timestamp>,
}

pub(crate) const COLUMNS: &str = "projection, position, aggregate_type, aggregate_id, event_type, state, error, \
    attempts, parked_at, partition, retries, retry_at, build, unreadable";

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
pub(crate) fn parse(row: &Row) -> Result<Option<Parked>, sql::Error> {
    let Ok(projection) = row.get::<String>(0)?.parse() else { return Ok(None) };
    let retry_at = row.get::<Option<i64>>(11)?.map(Timestamp::from_millis);
    let state = match row.get::<String>(5)?.as_str() {
        "behind" => ParkedState::Behind,
        _ if row.get(13)? => ParkedState::Unreadable,
        _ if retry_at.is_some() => ParkedState::Waiting,
        _ => ParkedState::GivenUp,
    };
    Ok(Some(Parked {
        id: ParkedId { projection, position: row.unsigned(1)? },
        aggregate_type: row.get(2)?,
        aggregate_id: row.get(3)?,
        event_type: row.get(4)?,
        state,
        error: row.get(6)?,
        attempts: row.unsigned(7)?,
        parked_at: Timestamp::from_millis(row.get(8)?),
        retry_at,
    }))
}

/// How many events are parked, and how many of them the build that tried them cannot read.
pub(crate) async fn count(database: &Database) -> Result<(u64, u64), sql::Error> {
    let sql = "SELECT COUNT(*), COUNT(CASE WHEN unreadable THEN 1 END) FROM parked";
    let counted = database.fetch_optional(query(sql)).await?;
    counted.map_or(Ok((0, 0)), |row| Ok((row.unsigned(0)?, row.unsigned(1)?)))
}

/// The streams with parked events.
pub(crate) async fn streams(database: &Database) -> Result<BTreeSet<(Projection, Stream)>, sql::Error> {
    let parked = list_parked(database).await?.into_iter();
    let stream = |parked: Parked| Stream::new(parked.aggregate_type, parked.aggregate_id);
    Ok(parked.map(|parked| (parked.id.projection, stream(parked))).collect())
}

/// The condition under which a poisonous event is due, with the values of its two placeholders from `$first` on.
/// A time farther off than the longest pause was set by a clock that is ahead of this one.
pub(crate) fn is_due(first: usize, now: Timestamp, back_off: &BackOff) -> (String, [i64; 2]) {
    let longest = back_off.iter().max().map_or(0, |pause| i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
    let sql = format!("(retry_at <= ${first} OR retry_at > ${})", first + 1);
    (sql, [now.millis(), now.millis().saturating_add(longest)])
}

/// At most `limit` poisonous events of these partitions that are due, the longest due first.
pub(crate) async fn due(
    database: &Database,
    partitions: &[Partition],
    (now, back_off): (Timestamp, &BackOff),
    limit: usize,
) -> Result<Vec<(ParkedId, Partition)>, sql::Error> {
    let (is_due, times) = is_due(1, now, back_off);
    let marks = placeholders(3, partitions.len());
    let sql = format!(
        "SELECT projection, position, partition FROM parked WHERE {is_due} AND partition IN ({marks}) \
         ORDER BY retry_at LIMIT {limit}"
    );
    let asked = query(sql).bind_all(times).bind_all(partitions.iter().map(|partition| partition.0));
    named(&database.fetch_all(asked).await?)
}

/// At most `limit` poisonous events of these partitions that another build was the last to try, in order, after one that
/// need not be there.
pub(crate) async fn of_other_builds(
    database: &Database,
    partitions: &[Partition],
    build: &str,
    after: Option<ParkedId>,
    limit: usize,
) -> Result<Vec<(ParkedId, Partition)>, sql::Error> {
    let (position, projection) = after.map_or((0, ""), |after| (after.position, after.projection.name()));
    let marks = placeholders(4, partitions.len());
    let sql = format!(
        "SELECT projection, position, partition FROM parked WHERE (position, projection) > ($2, $3) \
         AND state = 'poison' AND build <> $1 AND partition IN ({marks}) ORDER BY position, projection LIMIT {limit}"
    );
    let asked = query(sql).bind(build).bind(position).bind(projection);
    named(&database.fetch_all(asked.bind_all(partitions.iter().map(|partition| partition.0))).await?)
}

/// The parked events and partitions that rows name, but for projections that this build does not have.
fn named(rows: &[Row]) -> Result<Vec<(ParkedId, Partition)>, sql::Error> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        if let Ok(projection) = row.get::<String>(0)?.parse() {
            let partition = Partition(u16::try_from(row.get::<i64>(2)?).unwrap_or(u16::MAX));
            all.push((ParkedId { projection, position: row.unsigned(1)? }, partition));
        }
    }
    Ok(all)
}

/// Locks the stream's poisonous row until the transaction ends; answers whether there is one.
pub(crate) async fn hold(tx: &mut Transaction, projection: Projection, stream: &Stream) -> Result<bool, sql::Error> {
    const OF_STREAM: &str = "projection = $1 AND aggregate_type = $2 AND aggregate_id = $3";
    let of_stream =
        |sql: String| query(sql).bind(projection.name()).bind(stream.aggregate_type.as_str()).bind(stream.aggregate_id);
    loop {
        let hold = format!("UPDATE parked SET attempts = attempts WHERE {OF_STREAM} AND state = 'poison'");
        if tx.execute(of_stream(hold)).await? > 0 {
            return Ok(true);
        }
        // It was waited for, and has gone through; but another may have become the poisonous one by the same
        // transaction, after this statement had chosen its rows.
        let first = format!("SELECT state FROM parked WHERE {OF_STREAM} ORDER BY position LIMIT 1");
        match tx.fetch_optional(of_stream(first)).await? {
            None => return Ok(false),
            Some(row) if row.get::<String>(0)? == "poison" => (),
            // Somebody has meddled: what comes later must queue up all the same.
            Some(_) => return Ok(true),
        }
    }
}

/// Why an event is parked that comes first in its stream.
pub(crate) struct Poison<'e> {
    pub(crate) error: &'e str,
    pub(crate) attempts: u32,
    /// `None`: only by another build.
    pub(crate) retry_at: Option<Timestamp>,
    pub(crate) unreadable: bool,
    /// The build that tried it.
    pub(crate) build: &'e str,
}

/// Parks an event: as poisonous, or behind the one that is.
pub(crate) async fn park(
    tx: &mut Transaction,
    projection: Projection,
    record: &Record,
    poison: Option<Poison<'_>>,
    at: Timestamp,
) -> Result<(), sql::Error> {
    let sql = format!("INSERT INTO parked ({COLUMNS}) VALUES ({})", placeholders(1, 14));
    let state = if poison.is_some() { "poison" } else { "behind" };
    let retry_at = poison.as_ref().and_then(|poison| poison.retry_at).map(Timestamp::millis);
    let (build, unreadable) = poison.as_ref().map_or(("", false), |poison| (poison.build, poison.unreadable));
    let (error, attempts) = poison.map_or(("", 0), |poison| (poison.error, poison.attempts));
    let values: [Value; 14] = [
        projection.name().into(),
        record.position.into(),
        record.aggregate_type.as_str().into(),
        record.aggregate_id.into(),
        record.event_type.as_str().into(),
        state.into(),
        error.into(),
        attempts.into(),
        at.millis().into(),
        record.lane.partition.0.into(),
        0.into(),
        retry_at.into(),
        build.into(),
        unreadable.into(),
    ];
    tx.execute(query(sql).bind_all(values)).await?;
    Ok(())
}

/// A time after a pause.
pub(crate) fn after(at: Timestamp, pause: Duration) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)))
}
