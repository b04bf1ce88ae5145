//! The projection `messages`: messages, attachments, reactions, and messages hidden by a user.

use super::message_words;
use crate::{ApplyError, Opened};
use domain::{Event, message::MessageEvent};
use event_store::Record;
use sql::{Transaction, query};

/// Sent messages come first, in few statements; all other events of a message are medium and follow them.
pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    insert_sent(tx, events).await?;
    for Opened { record, event } in events {
        if let Event::Message(event) = event {
            change(tx, record, event).await?;
        }
    }
    message_words::apply(tx, events).await
}

async fn insert_sent(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    let mut messages = Vec::new();
    let mut attachments = Vec::new();
    for Opened { record, event } in events {
        let Event::Message(MessageEvent::Sent { conversation, sender, message_type, content, reply_to, mentions }) =
            event
        else {
            continue;
        };
        messages.push(vec![
            record.aggregate_id.into(),
            conversation.0.into(),
            sender.0.into(),
            record.scope_seq.into(),
            record.position.into(),
            message_type.as_str().into(),
            content.get().map(|content| content.body.as_str()).into(),
            reply_to.map(|message| message.0).into(),
            serde_json::to_string(mentions)?.into(),
            record.recorded_at.millis().into(),
        ]);
        let attached = content.get().map(|content| content.attachments.as_slice()).unwrap_or_default();
        for (ordinal, attachment) in (0_i64..).zip(attached) {
            attachments.push(vec![
                record.aggregate_id.into(),
                ordinal.into(),
                attachment.file_url.as_str().into(),
                attachment.thumb_url.as_ref().map(|url| url.as_str()).into(),
                attachment.name.as_ref().map(|name| name.as_str()).into(),
                attachment.size.into(),
                attachment.mime.as_ref().map(|mime| mime.as_str()).into(),
            ]);
        }
    }
    let head = "INSERT INTO messages (id, conversation_id, sender_id, seq, position, message_type, content, reply_to, \
                mentions, created_at) VALUES";
    tx.insert(head, messages, "").await?;
    let head = "INSERT INTO attachments (message_id, ordinal, file_url, thumb_url, name, size, mime) VALUES";
    Ok(tx.insert(head, attachments, "").await?)
}

async fn change(tx: &mut Transaction, record: &Record, event: &MessageEvent) -> Result<(), ApplyError> {
    let message = record.aggregate_id;
    let at = record.recorded_at.millis();
    let changed = match event {
        MessageEvent::Sent { .. } => return Ok(()),
        MessageEvent::Deleted { .. } => return leave_tombstone(tx, record).await,
        MessageEvent::Edited { body, .. } => {
            let body = body.get().map(|body| body.as_str());
            query("UPDATE messages SET content = $2, edited_at = $3 WHERE id = $1").bind(message).bind(body).bind(at)
        }
        MessageEvent::Hidden { user, .. } => {
            let sql = "INSERT INTO hidden (message_id, user_id, conversation_id, seq) \
                       SELECT id, $2, conversation_id, seq FROM messages WHERE id = $1";
            query(sql).bind(message).bind(user.0)
        }
        MessageEvent::Pinned { .. } => {
            let sql = "UPDATE messages SET pinned_at = $2, pinned_position = $3 WHERE id = $1";
            query(sql).bind(message).bind(at).bind(record.position)
        }
        MessageEvent::Unpinned { .. } => {
            query("UPDATE messages SET pinned_at = NULL, pinned_position = NULL WHERE id = $1").bind(message)
        }
        MessageEvent::Reacted { user, emoji, .. } => {
            // The reactor is erased.
            let Some(emoji) = emoji.get() else { return Ok(()) };
            let sql = "INSERT INTO reactions (message_id, user_id, emoji, position) VALUES ($1, $2, $3, $4)";
            query(sql).bind(message).bind(user.0).bind(emoji.as_str()).bind(record.position)
        }
        MessageEvent::Unreacted { user, emoji, .. } => {
            let Some(emoji) = emoji.get() else { return Ok(()) };
            let sql = "DELETE FROM reactions WHERE message_id = $1 AND user_id = $2 AND emoji = $3";
            query(sql).bind(message).bind(user.0).bind(emoji.as_str())
        }
    };
    tx.execute(changed).await?;
    Ok(())
}

/// Leaves a tombstone, without any content.
async fn leave_tombstone(tx: &mut Transaction, record: &Record) -> Result<(), ApplyError> {
    let sql = "UPDATE messages SET content = NULL, mentions = '[]', deleted_at = $2, pinned_at = NULL, \
               pinned_position = NULL WHERE id = $1";
    tx.execute(query(sql).bind(record.aggregate_id).bind(record.recorded_at.millis())).await?;
    tx.execute(query("DELETE FROM attachments WHERE message_id = $1").bind(record.aggregate_id)).await?;
    tx.execute(query("DELETE FROM reactions WHERE message_id = $1").bind(record.aggregate_id)).await?;
    Ok(())
}
