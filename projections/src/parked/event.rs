//! Parked events, as administrators and metrics see them.

use crate::{Error, Projection};
use domain::Timestamp;
use event_store::Position;
use sql::{Database, Row, query};
use std::{collections::BTreeMap, fmt, str::FromStr};
use uuid::Uuid;

/// Names a parked event: `messages:4711`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParkedId {
    /// The projection that could not apply the event.
    pub projection: Projection,
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

/// The state of a parked event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkedState {
    /// It failed, and is retried after a pause.
    Waiting,
    /// It failed at every retry.
    GivenUp,
    /// The build that tried it does not know the event; another build retries it.
    Unreadable,
    /// An earlier event of its stream is parked.
    Behind,
}

impl ParkedState {
    /// The word in JSON.
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
    pub id: ParkedId,
    pub aggregate_type: String,
    pub aggregate_id: Uuid,
    pub event_type: String,
    pub state: ParkedState,
    /// The failure; empty for an event that is only behind.
    pub error: String,
    pub attempts: u64,
    pub parked_at: Timestamp,
    /// Only for a waiting event.
    pub retry_at: Option<Timestamp>,
}

pub(crate) const COLUMNS: &str = "projection, position, aggregate_type, aggregate_id, event_type, state, error, \
    attempts, parked_at, partition, retries, retry_at, build, unreadable";

/// All parked events, oldest first.
///
/// # Errors
/// If the read models are unavailable.
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
    let Ok(projection) = row.get::<String>("projection")?.parse() else { return Ok(None) };
    let retry_at = row.get::<Option<i64>>("retry_at")?.map(Timestamp::from_millis);
    let state = match row.get::<String>("state")?.as_str() {
        "behind" => ParkedState::Behind,
        _ if row.get("unreadable")? => ParkedState::Unreadable,
        _ if retry_at.is_some() => ParkedState::Waiting,
        _ => ParkedState::GivenUp,
    };
    Ok(Some(Parked {
        id: ParkedId { projection, position: row.unsigned("position")? },
        aggregate_type: row.get("aggregate_type")?,
        aggregate_id: row.get("aggregate_id")?,
        event_type: row.get("event_type")?,
        state,
        error: row.get("error")?,
        attempts: row.unsigned("attempts")?,
        parked_at: Timestamp::from_millis(row.get("parked_at")?),
        retry_at,
    }))
}

/// The number of parked events of each projection that has any.
///
/// # Errors
/// If the read models are unavailable.
pub async fn count_parked(database: &Database) -> Result<BTreeMap<Projection, u64>, sql::Error> {
    let counted =
        database.fetch_all(query("SELECT projection, COUNT(*) AS parked FROM parked GROUP BY projection")).await?;
    let mut counts = BTreeMap::new();
    for row in counted {
        if let Ok(projection) = row.get::<String>("projection")?.parse() {
            counts.insert(projection, row.unsigned("parked")?);
        }
    }
    Ok(counts)
}

/// Parked events of one partition and event type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedCount {
    /// `None` for events that an older build parked.
    pub partition: Option<u16>,
    pub event_type: String,
    pub parked: u64,
    /// Of these, those that are not retried any more.
    pub given_up: u64,
    /// Of these, those that the build which tried them cannot read.
    pub unreadable: u64,
    /// How often they were retried, together.
    pub retries: u64,
}

/// The parked events, counted by partition and event type.
pub(crate) async fn counts(database: &Database) -> Result<Vec<ParkedCount>, sql::Error> {
    let sql = "SELECT CAST(partition AS BIGINT) AS partition, event_type, COUNT(*) AS parked, \
               CAST(SUM(retries) AS BIGINT) AS retries, \
               COUNT(CASE WHEN state = 'poison' AND retry_at IS NULL AND NOT unreadable THEN 1 END) AS given_up, \
               COUNT(CASE WHEN unreadable THEN 1 END) AS unreadable \
               FROM parked GROUP BY partition, event_type";
    let mut counts = Vec::new();
    for row in database.fetch_all(query(sql)).await? {
        counts.push(ParkedCount {
            partition: row.get::<Option<i64>>("partition")?.and_then(|partition| u16::try_from(partition).ok()),
            event_type: row.get("event_type")?,
            parked: row.unsigned("parked")?,
            given_up: row.unsigned("given_up")?,
            unreadable: row.unsigned("unreadable")?,
            retries: row.unsigned("retries")?,
        });
    }
    Ok(counts)
}

/// Whether an event is the first parked event of its stream.
///
/// # Errors
/// If the read models are unavailable.
pub async fn is_first_parked(database: &Database, id: ParkedId) -> Result<bool, sql::Error> {
    let sql = "SELECT 1 FROM parked WHERE projection = $1 AND position = $2 AND state = 'poison'";
    let found = database.fetch_optional(query(sql).bind(id.projection.name()).bind(id.position)).await?;
    Ok(found.is_some())
}

/// The number of parked events, and of those that the build which tried them cannot read.
pub(crate) async fn count(database: &Database) -> Result<(u64, u64), sql::Error> {
    let sql = "SELECT COUNT(*) AS parked, COUNT(CASE WHEN unreadable THEN 1 END) AS unreadable FROM parked";
    let counted = database.fetch_optional(query(sql)).await?;
    counted.map_or(Ok((0, 0)), |row| Ok((row.unsigned("parked")?, row.unsigned("unreadable")?)))
}
