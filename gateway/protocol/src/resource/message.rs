//! Messages.

use super::{Person, html::html};
use domain::{ConversationId, MessageId, Timestamp, UserId, message};
use event_store::Receipt;
use projections::queries::{self, AttachmentRow, MessageRow, ReactionRow, ReceiptRow};
use serde::Serialize;
use utoipa::ToSchema;

/// A message, as the viewer sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: MessageId,
    /// The conversation it was posted in.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// The sender.
    #[schema(value_type = Uuid)]
    pub sender_id: UserId,
    /// By whom, with names.
    pub sender: Person,
    /// Its number in its conversation: 1, 2, 3 …
    pub seq: u64,
    /// The position of the event by which it was sent.
    pub position: u64,
    /// `TEXT`, `IMAGE`, `FILE`, `VIDEO` or `CALL`.
    #[schema(example = "TEXT")]
    pub message_type: String,
    /// The text; null once it was deleted, or its sender forgotten.
    pub content: Option<String>,
    /// The text as sanitised HTML, when it was asked for: CommonMark, without raw HTML and pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_html: Option<String>,
    /// Attached files.
    pub attachments: Vec<Attachment>,
    /// The message it answers.
    #[schema(value_type = Option<Uuid>)]
    pub reply_to: Option<MessageId>,
    /// The users it mentions.
    #[schema(value_type = Vec<Uuid>)]
    pub mentions: Vec<UserId>,
    /// Its reactions.
    pub reactions: Vec<Reaction>,
    /// How far it got.
    pub status: MessageStatus,
    /// Time of sending.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its text was last replaced.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub edited_at: Option<Timestamp>,
    /// When it was removed for everybody.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deleted_at: Option<Timestamp>,
    /// When it was pinned in its conversation.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub pinned_at: Option<Timestamp>,
}

/// A file attached to a message.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// The link to the file.
    pub file_url: String,
    /// Where a small picture of it lies.
    pub thumb_url: Option<String>,
    /// The name of the file.
    pub name: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Its media type.
    pub mime: Option<String>,
}

/// How many reacted in one way.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Number of these reactions.
    pub count: u64,
    /// Whether the viewer is one of them.
    pub mine: bool,
}

/// How far a message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageStatus {
    /// It is stored.
    Sent,
    /// It has reached every other member.
    Delivered,
    /// Every other member has read it.
    Read,
}

/// To whom a message has come.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageReceipt {
    /// To whom.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// To whom, with names.
    pub user: Person,
    /// `DELIVERED` or `READ`.
    pub status: MessageStatus,
    /// When it had reached a device of theirs.
    #[schema(value_type = String, format = DateTime)]
    pub delivered_at: Timestamp,
    /// When they had read it; null when they have not, or keep it to themselves.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
}

impl Message {
    /// A message just sent, from its write-side state and the receipt of its first event.
    #[must_use]
    pub fn sent(id: MessageId, posted: &message::Posted, sender: Person, receipt: &Receipt) -> Self {
        let content = posted.content.as_ref();
        let attachments = content.map(|content| content.attachments.as_slice()).unwrap_or_default();
        Self {
            id,
            conversation_id: posted.conversation,
            sender_id: posted.sender,
            sender,
            seq: receipt.seq,
            position: receipt.position.unwrap_or_default(),
            message_type: posted.message_type.as_str().to_owned(),
            content: content.map(|content| content.body.to_string()),
            content_html: None,
            attachments: attachments.iter().map(Into::into).collect(),
            reply_to: posted.reply_to,
            mentions: posted.mentions.clone(),
            reactions: Vec::new(),
            status: MessageStatus::Sent,
            created_at: Timestamp::from_millis(receipt.recorded_at),
            edited_at: None,
            deleted_at: None,
            pinned_at: None,
        }
    }
}

impl Message {
    /// With its text as HTML, too.
    #[must_use]
    pub fn with_html(self) -> Self {
        Self { content_html: self.content.as_deref().map(html), ..self }
    }
}

impl From<&message::Attachment> for Attachment {
    fn from(attachment: &message::Attachment) -> Self {
        Self {
            file_url: attachment.file_url.to_string(),
            thumb_url: attachment.thumb_url.as_ref().map(ToString::to_string),
            name: attachment.name.as_ref().map(ToString::to_string),
            size: attachment.size,
            mime: attachment.mime.as_ref().map(ToString::to_string),
        }
    }
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.id,
            conversation_id: row.conversation,
            sender_id: row.sender.id,
            sender: row.sender.into(),
            seq: row.seq,
            position: row.position,
            message_type: row.message_type,
            content: row.content,
            content_html: None,
            attachments: row.attachments.into_iter().map(Into::into).collect(),
            reply_to: row.reply_to,
            mentions: row.mentions,
            reactions: row.reactions.into_iter().map(Into::into).collect(),
            status: row.status.into(),
            created_at: row.created_at,
            edited_at: row.edited_at,
            deleted_at: row.deleted_at,
            pinned_at: row.pinned_at,
        }
    }
}

impl From<ReceiptRow> for MessageReceipt {
    fn from(ReceiptRow { person, delivered_at, read_at, .. }: ReceiptRow) -> Self {
        let status = if read_at.is_some() { MessageStatus::Read } else { MessageStatus::Delivered };
        Self { user_id: person.id, user: person.into(), status, delivered_at, read_at }
    }
}

impl From<AttachmentRow> for Attachment {
    fn from(AttachmentRow { file_url, thumb_url, name, size, mime }: AttachmentRow) -> Self {
        Self { file_url, thumb_url, name, size, mime }
    }
}

impl From<ReactionRow> for Reaction {
    fn from(ReactionRow { emoji, count, mine }: ReactionRow) -> Self {
        Self { emoji, count, mine }
    }
}

impl From<queries::MessageStatus> for MessageStatus {
    fn from(status: queries::MessageStatus) -> Self {
        match status {
            queries::MessageStatus::Sent => Self::Sent,
            queries::MessageStatus::Delivered => Self::Delivered,
            queries::MessageStatus::Read => Self::Read,
        }
    }
}
