//! The details of messages: attachments, reactions and delivery status.

use crate::{MessageRow, Queries, QueryError, padded};
use domain::UserId;
use sql::{placeholders, query};
use std::collections::BTreeMap;
use uuid::Uuid;

/// An attached file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentRow {
    pub file_url: String,
    pub thumb_url: Option<String>,
    pub name: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
    pub mime: Option<String>,
}

/// All reactions with one emoji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionRow {
    pub emoji: String,
    pub count: u64,
    /// Whether the viewer reacted with it.
    pub mine: bool,
}

impl Queries {
    /// Adds attachments, reactions and status with one statement each.
    pub(crate) async fn complete(&self, viewer: UserId, messages: &mut [MessageRow]) -> Result<(), QueryError> {
        let ids: Vec<_> = messages.iter().map(|message| message.id.0).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut attachments = self.attachments(&ids).await?;
        let mut reactions = self.reactions(viewer, &ids).await?;
        let mut conversations: Vec<_> = messages.iter().map(|message| message.conversation.0).collect();
        conversations.sort_unstable();
        conversations.dedup();
        let slowest = self.slowest(&conversations).await?;
        for message in messages {
            message.attachments = attachments.remove(&message.id.0).unwrap_or_default();
            message.reactions = reactions.remove(&message.id.0).unwrap_or_default();
            message.status = slowest.status(message.conversation, message.sender.id, message.seq);
        }
        Ok(())
    }

    pub(crate) async fn attachments(
        &self,
        messages: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Vec<AttachmentRow>>, QueryError> {
        let ids = padded(messages);
        let sql = format!(
            "SELECT message_id, file_url, thumb_url, name, size, mime FROM attachments WHERE message_id IN ({}) \
             ORDER BY message_id, ordinal",
            placeholders(1, ids.len())
        );
        let mut attachments: BTreeMap<Uuid, Vec<AttachmentRow>> = BTreeMap::new();
        for row in self.database.fetch_all(query(sql).bind_all(ids)).await? {
            let size: Option<i64> = row.get("size")?;
            attachments.entry(row.get("message_id")?).or_default().push(AttachmentRow {
                file_url: row.get("file_url")?,
                thumb_url: row.get("thumb_url")?,
                name: row.get("name")?,
                size: size.and_then(|size| u64::try_from(size).ok()),
                mime: row.get("mime")?,
            });
        }
        Ok(attachments)
    }

    async fn reactions(
        &self,
        viewer: UserId,
        messages: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Vec<ReactionRow>>, QueryError> {
        let ids = padded(messages);
        let sql = format!(
            "SELECT message_id, emoji, COUNT(*) AS people, CAST(MAX(CASE WHEN user_id = $1 THEN 1 ELSE 0 END) AS BIGINT) AS mine \
             FROM reactions WHERE message_id IN ({}) GROUP BY message_id, emoji ORDER BY message_id, MIN(position)",
            placeholders(2, ids.len())
        );
        let mut reactions: BTreeMap<Uuid, Vec<ReactionRow>> = BTreeMap::new();
        for row in self.database.fetch_all(query(sql).bind(viewer.0).bind_all(ids)).await? {
            let reaction = ReactionRow {
                emoji: row.get("emoji")?,
                count: row.unsigned("people")?,
                mine: row.get::<i64>("mine")? == 1,
            };
            reactions.entry(row.get("message_id")?).or_default().push(reaction);
        }
        Ok(reactions)
    }
}
