//! Who was erased, and taking what they wrote out of the read models.
//!
//! A rebuild reads all of it as forgotten, for the key is gone. What was applied before, or by a worker that had it
//! opened already, must come to the same: so each person is forgotten once all projections have come to their erasure,
//! and once more when no process can have the key at hand any more. See `docs/adr/0021-erasure.md`.

use crate::checkpoint;
use domain::{Timestamp, UserId};
use event_store::Position;
use sql::{Database, placeholders, query};
use uuid::Uuid;

/// After this long, in milliseconds, no process has the key at hand, or anything in the air that it opened.
const SETTLED_MS: i64 = 180_000;
/// Messages of one transaction: SQLite's other writers wait for it.
const PORTION: u32 = 200;
/// People looked at in one go.
const PEOPLE: u32 = 64;

/// What is forgotten beside messages: one statement each, with the person as `$1`. A read model that shows what people
/// wrote adds its own.
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

/// Somebody who was erased and of whom something may be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Who.
    pub user: UserId,
    /// The position of the event. Whatever is theirs stands before it.
    pub position: Position,
    passes: i64,
}

/// Finds them and forgets them. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Erasures {
    database: Database,
}

impl Erasures {
    /// Of these read models.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Some of those who are to be forgotten now, or once more.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn due(&self, now: Timestamp) -> Result<Vec<Erasure>, sql::Error> {
        let sql = "SELECT user_id, position, passes FROM erasures \
                   WHERE passes < 2 AND (passes = 0 OR erased_at < $1) ORDER BY position LIMIT $2";
        let settled = now.millis().saturating_sub(SETTLED_MS);
        let rows = self.database.fetch_all(query(sql).bind(settled).bind(PEOPLE)).await?;
        let erasure =
            |row: &sql::Row| Ok(Erasure { user: UserId(row.get(0)?), position: row.unsigned(1)?, passes: row.get(2)? });
        rows.iter().map(erasure).collect()
    }

    /// Takes what somebody wrote out of the read models, and forgets how they were here. All projections MUST have come
    /// to the erasure. Done twice, it changes nothing.
    ///
    /// # Errors
    /// When the read models are away.
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

    /// Notes that somebody was forgotten.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn note(&self, erasure: Erasure) -> Result<(), sql::Error> {
        let sql = "UPDATE erasures SET passes = passes + 1 WHERE user_id = $1 AND passes = $2";
        self.database.execute(query(sql).bind(erasure.user.0).bind(erasure.passes)).await.map(drop)
    }

    /// The next messages after a position; answers the last one's.
    async fn forget_messages(&self, user: UserId, after: Position) -> Result<Option<Position>, sql::Error> {
        let mut tx = checkpoint::begin(&self.database).await?;
        let sql = "SELECT id, position FROM messages WHERE sender_id = $1 AND position > $2 ORDER BY position LIMIT $3";
        let rows = tx.fetch_all(query(sql).bind(user.0).bind(after).bind(PORTION)).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let last = last.unsigned(1)?;
        let ids = rows.iter().map(|row| row.get::<Uuid>(0)).collect::<Result<Vec<_>, _>>()?;
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
