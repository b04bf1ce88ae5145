//! How far the reactors have come, and what they could not do, for whoever watches over them: both stand beside the
//! events.

use crate::{EventStore, Position, ReadError};
use domain::{Lane, Tier, Timestamp};
use sql::{Row, query};
use std::{collections::BTreeMap, fmt, str::FromStr};
use uuid::Uuid;

/// Names a parked reaction: `reactor.leave_calls:4711`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReactionId {
    /// Which reactor.
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

/// A text that names no parked reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a parked reaction is named reactor.<name>:<position>")]
pub struct NoReaction;

/// A reaction that a reactor could not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedReaction {
    /// Its name.
    pub id: ReactionId,
    /// The event's aggregate.
    pub aggregate_type: String,
    /// The event's stream.
    pub aggregate_id: Uuid,
    /// What kind of event.
    pub event_type: String,
    /// What was wrong.
    pub error: String,
    /// How often it was tried.
    pub attempts: u64,
    /// Since when it lies here.
    pub parked_at: Timestamp,
    /// When it is tried again; `None` for an event that this build cannot read: by another build.
    pub retry_at: Option<Timestamp>,
}

impl ParkedReaction {
    /// A word for programs: `waiting` (it is tried again by itself) or `unreadable` (by another build).
    #[must_use]
    pub const fn state(&self) -> &'static str {
        if self.retry_at.is_some() { "waiting" } else { "unreadable" }
    }

    fn parse(row: &Row) -> Result<Self, sql::Error> {
        Ok(Self {
            id: ReactionId { reactor: row.get(0)?, position: row.unsigned(1)? },
            aggregate_type: row.get(2)?,
            aggregate_id: row.get(3)?,
            event_type: row.get(4)?,
            error: row.get(5)?,
            attempts: row.unsigned(6)?,
            parked_at: Timestamp::from_millis(row.get(7)?),
            retry_at: row.get::<Option<i64>>(8)?.map(Timestamp::from_millis),
        })
    }
}

impl EventStore {
    /// How far each reactor has come in a lane, by its name; one that has not begun is not there.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn reactor_marks(&self, lane: Lane) -> Result<BTreeMap<String, Position>, ReadError> {
        let column = if lane.tier == Tier::High { "high" } else { "medium" };
        let sql = format!("SELECT reactor, {column} FROM reactor_checkpoints WHERE partition = $1");
        let rows = self.database().fetch_all(query(sql).bind(lane.partition.0)).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.unsigned(1)?))).collect()
    }

    /// At most `limit` parked reactions in the order of position and [name](ReactionId), after one that need not be there.
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

    /// How many reactions are parked.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn count_parked_reactions(&self) -> Result<u64, ReadError> {
        let row = self.database().fetch_optional(query("SELECT COUNT(*) FROM parked_reactions")).await?;
        Ok(row.map(|row| row.unsigned(0)).transpose()?.unwrap_or_default())
    }

    /// Has a parked reaction tried again at the next look, whichever build looks. Answers whether there is one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn retry_reaction(&self, id: &ReactionId) -> Result<bool, ReadError> {
        let sql = "UPDATE parked_reactions SET retry_at = 0 WHERE reactor = $1 AND position = $2";
        Ok(self.database().execute(query(sql).bind(id.reactor.as_str()).bind(id.position)).await? > 0)
    }

    /// Gives a parked reaction up for good. Answers whether there was one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn discard_reaction(&self, id: &ReactionId) -> Result<bool, ReadError> {
        let sql = "DELETE FROM parked_reactions WHERE reactor = $1 AND position = $2";
        Ok(self.database().execute(query(sql).bind(id.reactor.as_str()).bind(id.position)).await? > 0)
    }
}
