//! What the log says of a person: their sessions, what they had to do with, and the events of their own scope.

use crate::{EventStore, Position, ReadError, RecordedEvent, StreamId, read::COLUMNS};
use domain::AggregateType;
use sql::query;
use std::sync::Arc;
use uuid::Uuid;

/// People of one statement.
const PEOPLE: usize = 500;

impl EventStore {
    /// The sessions of `user` that began before `until` and have not ended, the oldest first. One statement.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn live_sessions(&self, user: Uuid, until: Position) -> Result<Vec<Uuid>, ReadError> {
        let live = query(
            "SELECT CAST(s.aggregate_id AS TEXT) FROM events s
             WHERE s.scope = $1 AND s.position < $2 AND s.event_type = 'session.started' AND NOT EXISTS (
                SELECT 1 FROM events e WHERE e.aggregate_type = 'session' AND e.aggregate_id = s.aggregate_id
                AND e.event_type = 'session.ended')
             ORDER BY s.position",
        );
        let rows = self.database().fetch_all(live.bind(user).bind(until)).await?;
        rows.iter().map(|row| id(&row.get::<String>(0)?)).collect()
    }

    /// The conversations that `user` was in or asked to be in, and the pairs with whom there was something that they
    /// know of. One statement, over all that was ever about them.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn dealings(&self, user: Uuid) -> Result<Vec<StreamId>, ReadError> {
        let about = query(
            "SELECT DISTINCT e.aggregate_type, CAST(e.aggregate_id AS TEXT) FROM inbox b
             JOIN events e ON e.position = b.position
             WHERE b.user_id = $1 AND e.aggregate_type IN ('conversation', 'friendship')",
        );
        let mut streams = Vec::new();
        for row in self.database().fetch_all(about.bind(user)).await? {
            if let Some(aggregate) = AggregateType::parse(&row.get::<String>(0)?) {
                streams.push(StreamId { aggregate, id: id(&row.get::<String>(1)?)? });
            }
        }
        Ok(streams)
    }

    /// Which of `users` the event at a position is about, whatever it is.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn told_of(&self, position: Position, users: &[Uuid]) -> Result<Vec<Uuid>, ReadError> {
        let mut told = Vec::new();
        for some in users.chunks(PEOPLE) {
            let marks = sql::placeholders(2, some.len());
            let sql = format!("SELECT user_id FROM inbox WHERE position = $1 AND user_id IN ({marks})");
            let rows = self.database().fetch_all(query(sql).bind(position).bind_all(some.iter().copied())).await?;
            for row in &rows {
                told.push(row.get(0)?);
            }
        }
        Ok(told)
    }

    /// At most `limit` events of a scope after `position`, in position order: of a person's own scope, what concerns
    /// their account and sessions.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn events_of_scope(
        &self,
        scope: Uuid,
        position: Position,
        limit: u32,
    ) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM events e WHERE e.scope = $1 AND e.position > $2 ORDER BY e.position LIMIT $3"
        );
        self.events(query(sql).bind(scope).bind(position).bind(limit)).await
    }
}

fn id(text: &str) -> Result<Uuid, ReadError> {
    text.parse().map_err(|_| ReadError::Damaged(format!("{text:?} is no id of a stream")))
}
