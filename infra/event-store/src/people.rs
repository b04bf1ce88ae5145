//! The log about a person: sessions, conversations and friendships, and the events of their own scope.

use crate::{EventStore, Position, ReadError, RecordedEvent, StreamId, read::COLUMNS};
use domain::{AggregateType, session::SessionEvent};
use sql::query;
use std::{collections::HashSet, sync::Arc};
use uuid::Uuid;

/// The most people of one statement.
const PEOPLE: usize = 500;
/// Refresh tokens read at a time.
const TOKENS: u32 = 256;

impl EventStore {
    /// At most `limit` sessions of `user` that began before `until` and have not ended, last renewed first, after the first
    /// `skip`. Only sessions with a current refresh token are read, so that the work does not grow with the number of
    /// sign-ins. Removes the tokens of ended sessions it finds.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn live_sessions(
        &self,
        user: Uuid,
        until: Position,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<Uuid>, ReadError> {
        let mut live = Vec::new();
        let (mut last, mut skip) = ((i64::MAX, vec![0xff; 33]), skip);
        loop {
            let tokens = query(
                "SELECT session, expires_at, hash FROM refresh_tokens
                 WHERE user_id = $1 AND replaced_at IS NULL AND (expires_at, hash) < ($2, $3)
                 ORDER BY expires_at DESC, hash DESC LIMIT $4",
            );
            let tokens = tokens.bind(user).bind(last.0).bind(&last.1[..]).bind(TOKENS);
            let rows = self.database().fetch_all(tokens).await?;
            let mut sessions = Vec::with_capacity(rows.len());
            for row in &rows {
                sessions.push(row.get::<Uuid>("session")?);
                last = (row.get("expires_at")?, row.get("hash")?);
            }
            let (began, over) = self.ends_of(&sessions, until).await?;
            self.drop_tokens(&over).await?;
            for session in sessions.into_iter().filter(|session| began.contains(session)) {
                if skip > 0 {
                    skip -= 1;
                } else if live.len() < limit as usize {
                    live.push(session);
                }
            }
            if rows.len() < TOKENS as usize || live.len() >= limit as usize {
                return Ok(live);
            }
        }
    }

    /// Of some sessions, those that began before `until` and have not ended, and those that have ended.
    async fn ends_of(&self, sessions: &[Uuid], until: Position) -> Result<(HashSet<Uuid>, Vec<Uuid>), ReadError> {
        if sessions.is_empty() {
            return Ok((HashSet::new(), Vec::new()));
        }
        let mut ids: Vec<String> = sessions.iter().map(Uuid::to_string).collect();
        // Padded to a power of two, so that there are few statements.
        let last = ids.last().cloned().unwrap_or_default();
        ids.resize(ids.len().next_power_of_two(), last);
        let marks = sql::placeholders(1, ids.len());
        let found = query(format!(
            "SELECT CAST(e.aggregate_id AS TEXT) AS session, e.event_type AS event_type, e.position AS position FROM events e
             WHERE e.aggregate_type = 'session' AND e.aggregate_id IN ({marks})
             AND e.event_type IN ('{}', '{}')",
            SessionEvent::STARTED.name,
            SessionEvent::ENDED.name,
        ));
        let (mut began, mut over) = (HashSet::new(), Vec::new());
        for row in self.database().fetch_all(found.bind_all(ids)).await? {
            let session = id(&row.get::<String>("session")?)?;
            if row.get::<String>("event_type")? == SessionEvent::ENDED.name {
                over.push(session);
            } else if row.unsigned("position")? < until {
                began.insert(session);
            }
        }
        began.retain(|session| !over.contains(session));
        Ok((began, over))
    }

    /// The streams of conversations and friendships with an event about `user`. One statement over all such events.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn streams_involving(&self, user: Uuid) -> Result<Vec<StreamId>, ReadError> {
        let about = query(
            "SELECT DISTINCT e.aggregate_type AS aggregate_type, CAST(e.aggregate_id AS TEXT) AS aggregate_id FROM inbox b
             JOIN events e ON e.position = b.position
             WHERE b.user_id = $1 AND e.aggregate_type IN ('conversation', 'friendship')",
        );
        let mut streams = Vec::new();
        for row in self.database().fetch_all(about.bind(user)).await? {
            if let Some(aggregate) = AggregateType::parse(&row.get::<String>("aggregate_type")?) {
                streams.push(StreamId { aggregate, id: id(&row.get::<String>("aggregate_id")?)? });
            }
        }
        Ok(streams)
    }

    /// Those of `users` whom the event at a position is about.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn recipients_among(&self, position: Position, users: &[Uuid]) -> Result<Vec<Uuid>, ReadError> {
        let mut recipients = Vec::new();
        for some in users.chunks(PEOPLE) {
            let marks = sql::placeholders(2, some.len());
            let sql = format!("SELECT user_id FROM inbox WHERE position = $1 AND user_id IN ({marks})");
            let rows = self.database().fetch_all(query(sql).bind(position).bind_all(some.iter().copied())).await?;
            for row in &rows {
                recipients.push(row.get("user_id")?);
            }
        }
        Ok(recipients)
    }

    /// At most `limit` events of a scope after `position`, in position order. A person's own scope has the events of their
    /// account and sessions.
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
