//! Conversations and their members.

use super::{Message, User};
use domain::{ConversationId, Timestamp, UserId, conversation::Joining};
use projections::queries::{ConversationRow, MemberRow};
use serde::Serialize;
use utoipa::ToSchema;

/// A conversation, as the viewer sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: ConversationId,
    /// `direct` or `group`.
    #[serde(rename = "type")]
    #[schema(example = "group")]
    pub conversation_type: String,
    /// A group's title.
    pub title: Option<String>,
    /// A group's picture.
    pub avatar_url: Option<String>,
    /// How people come in by themselves: `invite`, `approval` or `open`.
    #[schema(example = "invite")]
    pub joining: String,
    /// Whether `joining` is `approval`.
    pub approval: bool,
    /// The user who created it.
    #[schema(value_type = Uuid)]
    pub created_by: UserId,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// How many are in it.
    pub member_count: u64,
    /// What the viewer may do, and whether they are in.
    #[serde(flatten)]
    pub mine: MyMembership,
    /// The newest message that the viewer sees.
    pub last_message: Option<Message>,
    /// The seq of the newest message.
    pub last_seq: u64,
    /// Up to where the viewer has read.
    pub read_seq: u64,
    /// How many messages the viewer has not read, of those that are still there: neither deleted nor hidden.
    pub unread: u64,
    /// Whether the viewer muted it.
    pub muted: bool,
    /// Until when; null when for good, or not at all.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub muted_until: Option<Timestamp>,
    /// Whether the viewer archived it. A later message brings it back, unless it is muted.
    pub archived: bool,
    /// The viewer sees nothing up to this seq: they cleared it.
    pub cleared_seq: u64,
}

/// How the viewer takes part.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyMembership {
    /// `lead` or `member`.
    #[schema(example = "member")]
    pub my_role: String,
    /// `active`, `pending` (asked to come in) or `invited`.
    #[schema(example = "active")]
    pub my_status: String,
}

/// Somebody in a conversation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The user.
    pub user: User,
    /// `lead` or `member`.
    #[schema(example = "member")]
    pub role: String,
    /// `active`, `pending` (asked to come in) or `invited`.
    #[schema(example = "active")]
    pub status: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Timestamp,
    /// The conversation's last seq when they came.
    pub join_seq: u64,
    /// Up to where they have read; not beyond what they let others know (preference `readReceipts`).
    pub read_seq: u64,
    /// Up to where their devices have received.
    pub delivered_seq: u64,
}

/// Up to where somebody has read, and their devices have received.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The conversation.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// The user.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// The mark that was moved: `readSeq` or `deliveredSeq`.
    pub seq: u64,
    /// Up to where they have read.
    pub read_seq: u64,
    /// Up to where their devices have received.
    pub delivered_seq: u64,
}

impl From<ConversationRow> for Conversation {
    fn from(row: ConversationRow) -> Self {
        Self {
            id: row.id,
            conversation_type: row.conversation_type,
            title: row.title,
            avatar_url: row.avatar_url,
            approval: row.joining == Joining::Approval.as_str(),
            joining: row.joining,
            created_by: row.created_by,
            created_at: row.created_at,
            member_count: row.member_count,
            mine: MyMembership { my_role: row.mine.role, my_status: row.mine.status },
            last_message: row.last_message.map(Into::into),
            last_seq: row.last_seq,
            read_seq: row.read_seq,
            unread: row.unread,
            muted: row.muted,
            muted_until: row.muted_until,
            archived: row.archived,
            cleared_seq: row.cleared_seq,
        }
    }
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        let MemberRow { user, role, status, joined_at, join_seq, read_seq, delivered_seq, .. } = row;
        Self { user: user.into(), role, status, joined_at, join_seq, read_seq, delivered_seq }
    }
}
