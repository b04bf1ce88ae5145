//! The words of messages, of the projection `messages`: what the index of each engine is made of.

use crate::{ApplyError, Opened, words::indexed};
use domain::{
    ConversationId, Event,
    message::{MessageEvent, MessageType},
};
use sql::{Transaction, query};
use uuid::Uuid;

/// Begins the word that stands for a conversation, so that a search looks only where the asker is.
const CONVERSATION: char = '§';

/// The word that stands for a conversation.
pub(crate) fn conversation_word(conversation: ConversationId) -> String {
    format!("{CONVERSATION}{}", conversation.0.simple())
}

/// Writes what follows from events whose messages have their rows already.
pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    let mut rows = Vec::new();
    for Opened { record, event } in events {
        if let Event::Message(MessageEvent::Sent { conversation, message_type, content, .. }) = event {
            // What records a call is no text.
            let text = content.get().filter(|_| *message_type != MessageType::Call);
            if let Some(words) = text.and_then(|content| joined(*conversation, content.body.as_str())) {
                rows.push(vec![record.position.into(), record.aggregate_id.into(), words.into()]);
            }
        }
    }
    tx.insert("INSERT INTO message_words (position, message_id, words) VALUES", rows, "").await?;
    for Opened { record, event } in events {
        match event {
            Event::Message(MessageEvent::Edited { conversation, body, .. }) => {
                let words = body.get().and_then(|body| joined(*conversation, body.as_str()));
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
            // A batch that is applied whole has the row of what is deleted later in it.
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

/// All words of a message, separated by spaces; `None` when it has none.
fn joined(conversation: ConversationId, text: &str) -> Option<String> {
    let words = indexed(text);
    if words.is_empty() {
        return None;
    }
    let mut joined = conversation_word(conversation);
    for word in words {
        joined.push(' ');
        joined.push_str(&word);
    }
    Some(joined)
}
