//! What stands in an export.

use domain::{ConversationId, Event, MessageId, SessionId, Timestamp, UserId, personal};
use event_store::Record;
use projections::{
    Chosen,
    presence::Kept,
    queries::{OwnConversationRow, OwnMarkerRow, OwnMessageRow, OwnReactionRow, OwnSessionRow},
};
use protocol::resource::{Attachment, Call, Comment, File, Friendship, OwnUser, Report, Story};
use serde::Serialize;
use serde_json::Value;
use std::convert::Infallible;
use utoipa::ToSchema;

/// Everything that is kept of somebody, as it is written piece by piece.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is never whole in memory: it tells the document what the pieces make")]
pub struct Export {
    /// Time at which the export began.
    #[schema(value_type = String, format = DateTime)]
    exported_at: Timestamp,
    /// The account, with its preferences.
    profile: OwnUser,
    /// Devices that are or were signed in.
    sessions: Vec<ExportedSession>,
    /// Friends, requests, and whom one has blocked.
    friendships: Vec<Friendship>,
    /// Conversations one is or was in, or asked to be in.
    conversations: Vec<ExportedConversation>,
    /// Messages one sent, newest first.
    messages: Vec<ExportedMessage>,
    /// Reactions, newest first.
    reactions: Vec<ExportedReaction>,
    /// How far one has come in each conversation.
    read_markers: Vec<ExportedMarker>,
    /// Calls one was in, or that rang.
    calls: Vec<Call>,
    /// Files one uploaded, newest first; each can be fetched.
    files: Vec<File>,
    /// Stories that one shows now, newest first.
    stories: Vec<Story>,
    /// What one wrote under stories, newest first.
    story_comments: Vec<Comment>,
    /// What one reported, newest first.
    reports: Vec<Report>,
    /// What one chose to be seen as; nothing, if one never did.
    presence: Vec<ExportedPresence>,
    /// What the log says of the account and its devices, the oldest first.
    events: Vec<ExportedEvent>,
}

/// A device that is or was signed in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedSession {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: SessionId,
    /// What the device calls itself.
    device: Option<String>,
    /// The address it signed in from.
    ip: Option<String>,
    /// Time of the sign-in.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the session ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// Why: `logout`, `revoked`, `token_reuse`, `password_changed`, `deactivated`, `expired` or `superseded`.
    end_reason: Option<String>,
}

/// A conversation one is or was in, or asked to be in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedConversation {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: ConversationId,
    /// `direct` or `group`.
    #[serde(rename = "type")]
    conversation_type: String,
    /// A group's title; null when one is no longer in.
    title: Option<String>,
    /// `lead` or `member`.
    role: String,
    /// `active`, `pending` or `left`.
    status: String,
    /// When one came, or asked to.
    #[schema(value_type = String, format = DateTime)]
    joined_at: Timestamp,
    /// Whether one muted it.
    muted: bool,
    /// Whether one put it away.
    archived: bool,
}

/// A message one sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedMessage {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: MessageId,
    /// The conversation.
    #[schema(value_type = Uuid)]
    conversation_id: ConversationId,
    /// Its number there.
    seq: u64,
    /// `TEXT`, `IMAGE`, `FILE`, `VIDEO` or `CALL`.
    message_type: String,
    /// The text; null once it was deleted.
    content: Option<String>,
    /// Attached files.
    attachments: Vec<Attachment>,
    /// The message it answers.
    #[schema(value_type = Option<Uuid>)]
    reply_to: Option<MessageId>,
    /// The users it mentions.
    #[schema(value_type = Vec<Uuid>)]
    mentions: Vec<UserId>,
    /// Time of sending.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its text was last replaced.
    #[schema(value_type = Option<String>, format = DateTime)]
    edited_at: Option<Timestamp>,
    /// When it was deleted for everybody.
    #[schema(value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
}

/// A reaction of one's own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedReaction {
    /// On which message.
    #[schema(value_type = Uuid)]
    message_id: MessageId,
    /// The emoji.
    emoji: String,
}

/// How far one has come in a conversation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedMarker {
    /// In which.
    #[schema(value_type = Uuid)]
    conversation_id: ConversationId,
    /// Up to where one has read.
    read_seq: u64,
    /// Up to where one's devices have received.
    delivered_seq: u64,
}

/// What one chose to be seen as.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedPresence {
    /// `busy` or `invisible`; null: as one's devices say.
    chosen: Option<&'static str>,
    /// In one's own words.
    text: Option<String>,
    /// Until when.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// When one was last here.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen: Option<Timestamp>,
    /// The devices one is away from.
    #[schema(value_type = Vec<Uuid>)]
    away: Vec<SessionId>,
}

/// What the log says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedEvent {
    /// Its place in the log.
    position: u64,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Of which account or session.
    aggregate_id: uuid::Uuid,
    /// What happened, its type included.
    data: Value,
}

impl From<OwnSessionRow> for ExportedSession {
    fn from(row: OwnSessionRow) -> Self {
        let OwnSessionRow { id, device_name, ip, started_at, ended_at, end_reason } = row;
        Self { id, device: device_name, ip, created_at: started_at, ended_at, end_reason }
    }
}

impl From<OwnConversationRow> for ExportedConversation {
    fn from(row: OwnConversationRow) -> Self {
        let OwnConversationRow { id, conversation_type, title, role, status, joined_at, muted, archived, .. } = row;
        Self { id, conversation_type, title, role, status, joined_at, muted, archived }
    }
}

impl From<OwnMessageRow> for ExportedMessage {
    fn from(row: OwnMessageRow) -> Self {
        Self {
            id: row.id,
            conversation_id: row.conversation,
            seq: row.seq,
            message_type: row.message_type,
            content: row.content,
            attachments: row.attachments.into_iter().map(Into::into).collect(),
            reply_to: row.reply_to,
            mentions: row.mentions,
            created_at: row.created_at,
            edited_at: row.edited_at,
            deleted_at: row.deleted_at,
        }
    }
}

impl From<OwnReactionRow> for ExportedReaction {
    fn from(OwnReactionRow { message, emoji, .. }: OwnReactionRow) -> Self {
        Self { message_id: message, emoji }
    }
}

impl From<OwnMarkerRow> for ExportedMarker {
    fn from(OwnMarkerRow { conversation, read_seq, delivered_seq }: OwnMarkerRow) -> Self {
        Self { conversation_id: conversation, read_seq, delivered_seq }
    }
}

impl From<Kept> for ExportedPresence {
    fn from(Kept { choice, last_seen, away }: Kept) -> Self {
        Self {
            chosen: choice.chosen.map(Chosen::as_str),
            text: choice.text.map(Into::into),
            until: choice.until,
            last_seen,
            away: away.into_iter().collect(),
        }
    }
}

impl ExportedEvent {
    pub(crate) fn of(record: &Record, opened: &Event) -> Result<Self, serde_json::Error> {
        let mut data = serde_json::to_value(opened)?;
        // In the clear, and without the marks of what belongs to whom.
        let Ok(()) = personal::seal_each::<Infallible>(&mut data, &mut |_, value| Ok(value.clone()));
        Ok(Self { position: record.position, at: record.recorded_at, aggregate_id: record.aggregate_id, data })
    }
}
