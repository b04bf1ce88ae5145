//! The words of messages, in the projection `messages`: each engine's index is built on them.

use crate::{ApplyError, Opened};
use domain::{
    Event,
    message::{MessageEvent, MessageType},
};
use sql::{Transaction, query};
use uuid::Uuid;
use words::indexed_text;

/// Applies events whose messages already have their rows.
pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    let mut rows = Vec::new();
    for Opened { record, event } in events {
        if let Event::Message(MessageEvent::Sent { conversation, message_type, content, .. }) = event {
            // The record of a call has no text.
            let text = content.get().filter(|_| *message_type != MessageType::Call);
            if let Some(words) = text.and_then(|content| indexed_text(*conversation, content.body.as_str())) {
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

async fn replace(tx: &mut Transaction, message: Uuid, words: Option<String>) -> Result<(), ApplyError> {
    let replaced = match words {
        Some(words) => {
            // A batch applied at once already has the row of a message deleted later in it.
            let sql = "INSERT INTO message_words (position, message_id, words) \
                       SELECT position, id, $2 FROM messages WHERE id = $1 AND deleted_at IS NULL \
                       ON CONFLICT (position) DO UPDATE SET words = excluded.words";
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
