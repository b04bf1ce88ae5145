//! The words of messages, in the projection `messages`: each engine's index is built on them.

use crate::{ApplyError, Opened};
use domain::{
    Event,
    message::{MessageEvent, MessageType},
};
use sql::{Transaction, query};
use uuid::Uuid;
use words::{BUCKET_BITS, VERSION, WITH_BUCKET, indexed_text, with_bucket};

/// Applies events whose messages already have their rows.
pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    let mut rows = Vec::new();
    for Opened { record, event } in events {
        if let Event::Message(MessageEvent::Sent { conversation, message_type, content, .. }) = event {
            // The record of a call has no text.
            let text = content.get().filter(|_| *message_type != MessageType::Call);
            if let Some(words) = text.and_then(|content| indexed_text(*conversation, content.body.as_str())) {
                let words = stored(tx, words, record.position);
                rows.push(vec![record.position.into(), record.aggregate_id.into(), words.into()]);
            }
        }
    }
    tx.insert("INSERT INTO message_words (position, message_id, words) VALUES", rows, "").await?;
    for Opened { record, event } in events {
        match event {
            Event::Message(MessageEvent::Edited { conversation, body, .. }) => {
                let words = body.get().and_then(|body| indexed_text(*conversation, body.as_str()));
                replace(tx, record.aggregate_id, words).await?;
            }
            Event::Message(MessageEvent::Deleted { .. }) => replace(tx, record.aggregate_id, None).await?,
            _ => (),
        }
    }
    Ok(())
}

/// The words of the message at a position as its row has them. On Postgres they have that of the bucket, for GIN cannot
/// read a word's newest messages first.
pub(crate) fn stored(tx: &Transaction, words: String, position: u64) -> String {
    match tx {
        Transaction::Sqlite(..) => words,
        Transaction::Postgres(_) => with_bucket(&words, position),
    }
}

async fn replace(tx: &mut Transaction, message: Uuid, words: Option<String>) -> Result<(), ApplyError> {
    let replaced = match words {
        Some(words) => {
            // `stored`, of a position that the row of the message has.
            let stored = match tx {
                Transaction::Sqlite(..) => "$2".to_owned(),
                Transaction::Postgres(_) => {
                    let rest = VERSION.chars().count() + 1;
                    format!("'{WITH_BUCKET}' || to_hex(position >> {BUCKET_BITS}) || substr($2, {rest})")
                }
            };
            // A batch applied at once already has the row of a message deleted later in it.
            let sql = format!(
                "INSERT INTO message_words (position, message_id, words) \
                 SELECT position, id, {stored} FROM messages WHERE id = $1 AND deleted_at IS NULL \
                 ON CONFLICT (position) DO UPDATE SET words = excluded.words"
            );
            query(sql).bind(message).bind(words)
        }
        None => {
            let sql = "DELETE FROM message_words WHERE position = (SELECT position FROM messages WHERE id = $1)";
            query(sql).bind(message)
        }
    };
    tx.execute(replaced).await?;
    Ok(())
}
