//! Checkpoints of the reactors, and their parked reactions, for operators. Both are stored in the log's database.

use crate::{EventStore, Position, ReadError, Selection};
use domain::{Lane, Partition, Tier, Timestamp};
use sql::{Row, query};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    str::FromStr,
};
use uuid::Uuid;

/// The name of a parked reaction: `reactor.leave_calls:4711`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReactionId {
    /// The reactor.
    pub reactor: String,
    /// The position of the event.
    pub position: Position,
}

const PREFIX: &str = "reactor.";

impl fmt::Display for ReactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}:{}", self.reactor, self.position)
    }
}

impl FromStr for ReactionId {
    type Err = NoReaction;

    fn from_str(text: &str) -> Result<Self, NoReaction> {
        let (reactor, position) = text.strip_prefix(PREFIX).and_then(|id| id.split_once(':')).ok_or(NoReaction)?;
        Ok(Self { reactor: reactor.to_owned(), position: position.parse().map_err(|_| NoReaction)? })
    }
}

/// A text that is not the name of a parked reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a parked reaction is named reactor.<name>:<position>")]
pub struct NoReaction;

/// A reaction that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedReaction {
    /// Its name.
    pub id: ReactionId,
    /// The event's aggregate.
    pub aggregate_type: String,
    /// The event's stream.
    pub aggregate_id: Uuid,
    /// The event's type.
    pub event_type: String,
    /// The last error.
    pub error: String,
    /// The number of attempts.
    pub attempts: u64,
    /// When it was parked.
    pub parked_at: Timestamp,
    /// When it is tried again; `None` for an unreadable event, which another build retries.
    pub retry_at: Option<Timestamp>,
}

impl ParkedReaction {
    /// `waiting` (it is retried automatically) or `unreadable` (another build retries it).
    #[must_use]
    pub const fn state(&self) -> &'static str {
        if self.retry_at.is_some() { "waiting" } else { "unreadable" }
    }

    fn parse(row: &Row) -> Result<Self, sql::Error> {
        Ok(Self {
            id: ReactionId { reactor: row.get("reactor")?, position: row.unsigned("position")? },
            aggregate_type: row.get("aggregate_type")?,
            aggregate_id: row.get("aggregate_id")?,
            event_type: row.get("event_type")?,
            error: row.get("error")?,
            attempts: row.unsigned("attempts")?,
            parked_at: Timestamp::from_millis(row.get("parked_at")?),
            retry_at: row.get::<Option<i64>>("retry_at")?.map(Timestamp::from_millis),
        })
    }
}

impl EventStore {
    /// The position up to which each reactor has handled a lane, by its name; a reactor that has not begun is missing.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn reactor_marks(&self, lane: Lane) -> Result<BTreeMap<String, Position>, ReadError> {
        let column = if lane.tier == Tier::High { "high" } else { "medium" };
        let sql = format!("SELECT reactor, {column} FROM reactor_checkpoints WHERE partition = $1");
        let rows = self.database().fetch_all(query(sql).bind(lane.partition.0)).await?;
        rows.iter().map(|row| Ok((row.get("reactor")?, row.unsigned(column)?))).collect()
    }

    /// How many events each of these reactors has not handled, by its saved checkpoint: from the oldest one to the head of the
    /// log, both included; 0 if it has handled all.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn reactor_lags<'r>(&self, reactors: &[&'r str]) -> Result<BTreeMap<&'r str, u64>, ReadError> {
        // Read first, so that an event appended meanwhile does not count.
        let head = self.head().await?;
        let select = query("SELECT reactor, partition, high, medium FROM reactor_checkpoints");
        let mut marks: BTreeMap<(String, u64), [Position; 2]> = BTreeMap::new();
        for row in self.database().fetch_all(select).await? {
            let of = [row.unsigned("high")?, row.unsigned("medium")?];
            marks.insert((row.get("reactor")?, row.unsigned("partition")?), of);
        }
        let mut oldest: BTreeMap<(Lane, Position), Position> = BTreeMap::new();
        let mut lags = BTreeMap::new();
        for reactor in reactors {
            let mut lag = 0;
            for partition in 0..self.partitions() {
                let of = marks.get(&((*reactor).to_owned(), u64::from(partition))).copied().unwrap_or_default();
                for (tier, mark) in Tier::DURABLE.into_iter().zip(of) {
                    let lane = Lane { tier, partition: Partition(partition) };
                    if mark >= head.heads.lane(lane) {
                        continue;
                    }
                    if let Entry::Vacant(entry) = oldest.entry((lane, mark)) {
                        let first = self.read_after(mark, &Selection::Lane(lane), 1).await?;
                        entry.insert(first.first().map_or(head.position, |event| event.record.position));
                    }
                    lag = lag.max((head.position + 1).saturating_sub(oldest[&(lane, mark)]));
                }
            }
            lags.insert(*reactor, lag);
        }
        Ok(lags)
    }

    /// At most `limit` parked reactions by position and [name](ReactionId), after a given one, which need not exist.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn parked_reactions(
        &self,
        after: Option<(Position, &str)>,
        limit: u32,
    ) -> Result<Vec<ParkedReaction>, ReadError> {
        let (position, name) = after.unwrap_or_default();
        let sql = format!(
            "SELECT reactor, position, aggregate_type, aggregate_id, event_type, error, attempts, parked_at, retry_at
             FROM parked_reactions WHERE (position, '{PREFIX}' || reactor) > ($1, $2)
             ORDER BY position, reactor LIMIT $3"
        );
        let rows = self.database().fetch_all(query(sql).bind(position).bind(name).bind(limit)).await?;
        Ok(rows.iter().map(ParkedReaction::parse).collect::<Result<_, _>>()?)
    }

    /// The number of parked reactions to unreadable events. The others are retried for ever: none is given up.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn count_unreadable_reactions(&self) -> Result<u64, ReadError> {
        let sql = "SELECT COUNT(*) AS parked FROM parked_reactions WHERE retry_at IS NULL";
        let row = self.database().fetch_optional(query(sql)).await?;
        Ok(row.map_or(Ok(0), |row| row.unsigned("parked"))?)
    }

    /// The number of parked reactions.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn count_parked_reactions(&self) -> Result<u64, ReadError> {
        let row = self.database().fetch_optional(query("SELECT COUNT(*) AS parked FROM parked_reactions")).await?;
        Ok(row.map(|row| row.unsigned("parked")).transpose()?.unwrap_or_default())
    }

    /// Schedules a parked reaction for the next check by any build. Returns whether it exists.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn retry_reaction(&self, id: &ReactionId) -> Result<bool, ReadError> {
        let sql = "UPDATE parked_reactions SET retry_at = 0 WHERE reactor = $1 AND position = $2";
        Ok(self.database().execute(query(sql).bind(id.reactor.as_str()).bind(id.position)).await? > 0)
    }

    /// Discards a parked reaction. Returns whether it existed.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn discard_reaction(&self, id: &ReactionId) -> Result<bool, ReadError> {
        let sql = "DELETE FROM parked_reactions WHERE reactor = $1 AND position = $2";
        Ok(self.database().execute(query(sql).bind(id.reactor.as_str()).bind(id.position)).await? > 0)
    }
}
