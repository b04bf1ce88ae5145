//! Erased people, and the removal of their content from the read models.
//!
//! A rebuild reads their content as erased, as the data key is destroyed. Rows applied before, or by a worker that had
//! opened the event, must become equal to that. Each person is therefore forgotten once all projections have passed the
//! erasure, and again when no process can still have the key. See `docs/adr/0021-erasure.md`.

use crate::checkpoint;
use domain::{Timestamp, UserId};
use event_store::Position;
use sql::{Database, placeholders, query};
use uuid::Uuid;

/// After this time, in milliseconds, no process has the key, or an event that it opened.
const SETTLED_MS: i64 = 180_000;
/// Messages per transaction; SQLite's other writers wait for it.
const PORTION: u32 = 200;
/// People per call.
const PEOPLE: u32 = 64;

/// The statements besides messages, with the person as `$1`. A read model with content of people adds its own.
const FORGET: [&str; 10] = [
    "DELETE FROM reactions WHERE user_id = $1",
    "UPDATE conversations SET title = NULL, avatar_url = NULL \
     WHERE settings_by = $1 AND (title IS NOT NULL OR avatar_url IS NOT NULL)",
    "UPDATE files SET name = NULL WHERE uploader_id = $1 AND name IS NOT NULL",
    "UPDATE stories SET content = NULL, media_url = NULL \
     WHERE author_id = $1 AND ended_at IS NULL AND (content IS NOT NULL OR media_url IS NOT NULL)",
    "UPDATE story_comments SET content = NULL WHERE author_id = $1 AND content IS NOT NULL",
    "UPDATE reports SET evidence = NULL WHERE accused_id = $1 AND evidence IS NOT NULL",
    "UPDATE reports SET reason = NULL, notes = NULL \
     WHERE reporter_id = $1 AND (reason IS NOT NULL OR notes IS NOT NULL)",
    "UPDATE reports SET rejected_reason = NULL WHERE decided_by = $1 AND rejected_reason IS NOT NULL",
    "DELETE FROM presence_away WHERE user_id = $1",
    "DELETE FROM presence WHERE user_id = $1",
];

/// An erased person whose content may remain in the read models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    pub user: UserId,
    /// The position of the erasure; all of the person's events precede it.
    pub position: Position,
    passes: i64,
}

/// Finds erased people and removes their content. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Erasures {
    database: Database,
}

impl Erasures {
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Some of the people who must be forgotten now, for the first or the second time.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn due(&self, now: Timestamp) -> Result<Vec<Erasure>, sql::Error> {
        let sql = "SELECT user_id, position, passes FROM erasures \
                   WHERE passes < 2 AND (passes = 0 OR erased_at < $1) ORDER BY position LIMIT $2";
        let settled = now.millis().saturating_sub(SETTLED_MS);
        let rows = self.database.fetch_all(query(sql).bind(settled).bind(PEOPLE)).await?;
        let erasure = |row: &sql::Row| {
            Ok(Erasure {
                user: UserId(row.get("user_id")?),
                position: row.unsigned("position")?,
                passes: row.get("passes")?,
            })
        };
        rows.iter().map(erasure).collect()
    }

    /// Removes a person's content and stored presence from the read models. All projections MUST have passed the
    /// erasure. Idempotent.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn forget(&self, user: UserId) -> Result<(), sql::Error> {
        let mut after = 0;
        while let Some(last) = self.forget_messages(user, after).await? {
            after = last;
        }
        for statement in FORGET {
            let mut tx = checkpoint::begin(&self.database).await?;
            tx.execute(query(statement).bind(user.0)).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Records that a person was forgotten.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn note(&self, erasure: Erasure) -> Result<(), sql::Error> {
        let sql = "UPDATE erasures SET passes = passes + 1 WHERE user_id = $1 AND passes = $2";
        self.database.execute(query(sql).bind(erasure.user.0).bind(erasure.passes)).await.map(drop)
    }

    /// Removes the content of the next messages after a position. Returns the position of the last one.
    async fn forget_messages(&self, user: UserId, after: Position) -> Result<Option<Position>, sql::Error> {
        let mut tx = checkpoint::begin(&self.database).await?;
        let sql = "SELECT id, position FROM messages WHERE sender_id = $1 AND position > $2 ORDER BY position LIMIT $3";
        let rows = tx.fetch_all(query(sql).bind(user.0).bind(after).bind(PORTION)).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let last = last.unsigned("position")?;
        let ids = rows.iter().map(|row| row.get::<Uuid>("id")).collect::<Result<Vec<_>, _>>()?;
        let named = placeholders(1, ids.len());
        let text = format!("UPDATE messages SET content = NULL WHERE id IN ({named}) AND content IS NOT NULL");
        tx.execute(query(text).bind_all(ids.iter().copied())).await?;
        let words = format!(
            "DELETE FROM message_words WHERE position IN (SELECT position FROM messages WHERE id IN ({named}))"
        );
        tx.execute(query(words).bind_all(ids.iter().copied())).await?;
        let files = format!("DELETE FROM attachments WHERE message_id IN ({named})");
        tx.execute(query(files).bind_all(ids)).await?;
        tx.commit().await?;
        Ok(Some(last))
    }
}
