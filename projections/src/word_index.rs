//! Indexes rows of another words version again, and on Postgres those without a bucket: those an older build wrote, before
//! an upgrade or beside it. Searches continue and find the older words in such rows. One process at a time does it; two
//! would do no harm.

use crate::{
    checkpoint,
    projection::{message_words, user_words},
};
use domain::ConversationId;
use queries::{padded, stale_words};
use sql::{Database, Transaction, placeholders, query};
use std::{collections::HashMap, time::Duration};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use words::{VERSION, indexed_text};

/// Rows per transaction; SQLite's other writers wait for it.
const PORTION: u32 = 256;
/// The pause between looks for messages, which an index of their own finds.
const SCAN_PAUSE: Duration = Duration::from_secs(60);
/// The looks for messages per look for names, which reads all users.
const LOOKS_FOR_NAMES: u32 = 60;
/// The shortest pause between two portions.
const PAUSE: Duration = Duration::from_millis(5);

/// The singleton job `words`. Clones share the connections.
#[derive(Clone, Debug)]
pub struct WordIndex {
    database: Database,
}

impl WordIndex {
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Indexes rows of another version again, now and as they appear, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut look = 0_u32;
        loop {
            let with_names = look.is_multiple_of(LOOKS_FOR_NAMES);
            match stop.run_until_cancelled(self.reindex(with_names)).await {
                Some(Ok(0)) => look = look.wrapping_add(1),
                Some(Ok(rows)) => {
                    tracing::info!(rows, "Indexed rows of another words version again");
                    look = look.wrapping_add(1);
                }
                Some(Err(error)) => {
                    tracing::warn!(error.cause = %error, "Rows of another words version cannot be indexed; trying again");
                }
                None => return,
            }
            if stop.run_until_cancelled(sleep(SCAN_PAUSE)).await.is_none() {
                return;
            }
        }
    }

    /// Indexes the present messages of another version again, the newest first, and, optionally, names. Returns how many
    /// rows.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn reindex(&self, with_names: bool) -> Result<u64, sql::Error> {
        let mut rows = 0;
        let mut before = i64::MAX;
        loop {
            let begun = Instant::now();
            let Some((last, count)) = self.messages(before).await? else { break };
            (before, rows) = (last, rows + count);
            rest(begun).await;
        }
        let mut after = with_names.then(Uuid::nil);
        while let Some(user) = after {
            let begun = Instant::now();
            let (last, count) = self.names(user).await?;
            (after, rows) = (last, rows + count);
            rest(begun).await;
        }
        Ok(rows)
    }

    /// Indexes the next messages before a position. Returns the position of the last one, and how many.
    async fn messages(&self, before: i64) -> Result<Option<(i64, u64)>, sql::Error> {
        let stale = stale_words(self.database.engine());
        let sql = format!(
            "SELECT position FROM message_words WHERE {stale} AND position < $1 ORDER BY position DESC LIMIT {PORTION}"
        );
        let found = self.database.fetch_all(query(sql).bind(before)).await?;
        let found = found.iter().map(|row| row.get::<i64>("position")).collect::<Result<Vec<_>, _>>()?;
        let Some(last) = found.last().copied() else { return Ok(None) };

        let mut tx = checkpoint::begin(&self.database).await?;
        let named = placeholders(1, found.len());
        let sql = format!(
            "SELECT position, message_id FROM message_words WHERE position IN ({named}) AND {stale}{}",
            unless_locked(&tx)
        );
        let rows = tx.fetch_all(query(sql).bind_all(found)).await?;
        let ids = rows.iter().map(|row| row.get::<Uuid>("message_id")).collect::<Result<Vec<_>, _>>()?;
        let mut texts = texts(&mut tx, &ids).await?;
        for (row, id) in rows.iter().zip(ids) {
            let position: i64 = row.get("position")?;
            let words = texts.remove(&id).and_then(|(conversation, text)| indexed_text(conversation, &text));
            let words = words.map(|words| message_words::stored(&tx, words, position.unsigned_abs()));
            let sql = match words {
                Some(_) => "UPDATE message_words SET words = $2 WHERE position = $1",
                None => "DELETE FROM message_words WHERE position = $1",
            };
            tx.execute(query(sql).bind(position).bind_all(words)).await?;
        }
        tx.commit().await?;
        Ok(Some((last, rows.len() as u64)))
    }

    /// Indexes the names of the next users after `after`. Returns the last user, if more follow, and how many.
    async fn names(&self, after: Uuid) -> Result<(Option<Uuid>, u64), sql::Error> {
        let lacks = |field: &str| {
            format!(
                "u.{field}_name IS NOT NULL AND NOT EXISTS (SELECT 1 FROM user_words w WHERE w.user_id = u.id \
                 AND w.field = '{field}' AND w.word = '{VERSION}')"
            )
        };
        let sql = format!(
            "SELECT u.id, CAST(CASE WHEN ({}) OR ({}) THEN 1 ELSE 0 END AS BIGINT) AS is_stale FROM users u WHERE u.id > $1 \
             ORDER BY u.id LIMIT {PORTION}",
            lacks("first"),
            lacks("last")
        );
        let (mut stale, mut last) = (Vec::new(), None);
        for row in self.database.fetch_all(query(sql).bind(after)).await? {
            let user = row.get::<Uuid>("id")?;
            if row.get::<i64>("is_stale")? == 1 {
                stale.push(user);
            }
            last = Some(user);
        }
        if stale.is_empty() {
            return Ok((last, 0));
        }

        let mut tx = checkpoint::begin(&self.database).await?;
        let named = placeholders(1, stale.len());
        let sql = format!("SELECT id, first_name, last_name FROM users WHERE id IN ({named}){}", unless_locked(&tx));
        let rows = tx.fetch_all(query(sql).bind_all(stale)).await?;
        for row in &rows {
            let user = row.get("id")?;
            for (field, name) in [("first", row.get::<Option<String>>("first_name")?), ("last", row.get("last_name")?)]
            {
                if let Some(name) = name {
                    user_words::replace(&mut tx, user, field, &name).await?;
                }
            }
        }
        tx.commit().await?;
        Ok((last, rows.len() as u64))
    }
}

/// The conversation and text of each message that still has a text.
async fn texts(tx: &mut Transaction, ids: &[Uuid]) -> Result<HashMap<Uuid, (ConversationId, String)>, sql::Error> {
    let mut texts = HashMap::new();
    let ids = padded(ids);
    if !ids.is_empty() {
        let named = placeholders(1, ids.len());
        let sql =
            format!("SELECT id, conversation_id, content FROM messages WHERE id IN ({named}) AND content IS NOT NULL");
        for row in tx.fetch_all(query(sql).bind_all(ids)).await? {
            texts.insert(row.get("id")?, (ConversationId(row.get("conversation_id")?), row.get("content")?));
        }
    }
    Ok(texts)
}

/// Leaves at least as much time to other writers as a portion took.
async fn rest(begun: Instant) {
    sleep(begun.elapsed().max(PAUSE)).await;
}

/// Locks the rows, so that the text read is the text indexed. Skips rows locked by a worker, to avoid a deadlock; the
/// next look finds them.
const fn unless_locked(tx: &Transaction) -> &'static str {
    match tx {
        Transaction::Sqlite(..) => "",
        Transaction::Postgres(_) => " FOR UPDATE SKIP LOCKED",
    }
}
