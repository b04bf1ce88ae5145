//! The `data` of pushes: resources of the protocol without what depends on the viewer.

use domain::{
    ConversationId, MessageId, Timestamp, UserId,
    conversation::{ConversationType, Joining, MemberRole, MemberStatus},
    message::{Attachment, MessageType},
    user::{Preferences, Role},
};
use event_store::Position;
use serde::Serialize;
use utoipa::ToSchema;

/// A message: `message.sent|edited|deleted|reacted|unreacted|pinned|unpinned`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessagePush)]
pub struct MessageData<'a> {
    /// The message.
    #[schema(value_type = Uuid)]
    pub id: MessageId,
    /// The conversation it was posted in.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// The sender.
    #[schema(value_type = Uuid)]
    pub sender_id: UserId,
    /// Its number in its conversation: 1, 2, 3 …
    pub seq: u64,
    /// The position of the event by which it was sent.
    pub position: Position,
    /// What it is.
    #[schema(value_type = String, example = "TEXT")]
    pub message_type: MessageType,
    /// The text; null once it was deleted or forgotten.
    pub content: Option<&'a str>,
    /// What is attached; nothing once it was deleted.
    #[schema(value_type = Vec<AttachmentData>)]
    pub attachments: &'a [Attachment],
    /// The message it answers.
    #[schema(value_type = Option<Uuid>)]
    pub reply_to: Option<MessageId>,
    /// The users it mentions.
    #[schema(value_type = Vec<Uuid>)]
    pub mentions: &'a [UserId],
    /// How many reacted how.
    pub reactions: Vec<ReactionCount<'a>>,
    /// Time of sending.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its text was last replaced.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub edited_at: Option<Timestamp>,
    /// When it was deleted for everybody.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deleted_at: Option<Timestamp>,
    /// When it was pinned in its conversation.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub pinned_at: Option<Timestamp>,
}

/// A file attached to a message: what is not known of it is left out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AttachmentPush)]
struct AttachmentData {
    /// The link to the file.
    file_url: String,
    /// Where a small picture of it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumb_url: Option<String>,
    /// The name of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// Its media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    mime: Option<String>,
}

/// How many reacted in one way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReactionCount)]
pub struct ReactionCount<'a> {
    /// The emoji.
    pub emoji: &'a str,
    /// Number of these reactions.
    pub count: usize,
}

/// A message that the user themselves no longer wants to see: `message.hidden`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HiddenMessage {
    /// The message.
    #[schema(value_type = Uuid)]
    pub message_id: MessageId,
    /// The conversation it was posted in.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
}

/// A conversation: `conversation.created|updated`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConversationPush)]
pub struct ConversationData<'a> {
    /// The conversation.
    #[schema(value_type = Uuid)]
    pub id: ConversationId,
    /// Direct or group.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "group")]
    pub conversation_type: ConversationType,
    /// A group's title.
    pub title: Option<&'a str>,
    /// A group's picture.
    pub avatar_url: Option<&'a str>,
    /// How people come in by themselves: `invite`, `approval` or `open`.
    #[schema(value_type = String, example = "invite")]
    pub joining: Joining,
    /// Whether `joining` is `approval`.
    pub approval: bool,
    /// The user who created it.
    #[schema(value_type = Uuid)]
    pub created_by: UserId,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// How many are in it.
    pub member_count: usize,
    /// The seq of its newest message.
    pub last_seq: u64,
}

/// An invite: `conversation.invite_created|invite_revoked`, for its maker, and for the lead who revoked it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitePush)]
pub struct InviteData<'a> {
    /// The conversation it leads to.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// Anybody who has it may join; null once its maker is erased.
    pub code: Option<&'a str>,
    /// The user who created it.
    #[schema(value_type = Uuid)]
    pub created_by: UserId,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// From when on it is good for nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// How many may come by it.
    pub max_uses: Option<u32>,
    /// How often it was used.
    pub uses: u32,
}

/// How one keeps a conversation oneself: `conversation.muted|unmuted|archived|unarchived|cleared`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OwnSettingsPush)]
pub struct OwnSettingsData {
    /// The conversation.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// Whether one wants to hear nothing.
    pub muted: bool,
    /// Until when, if not for good.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub muted_until: Option<Timestamp>,
    /// Whether it was put away. A later message brings it back, unless it is muted.
    pub archived: bool,
    /// One sees nothing up to this seq.
    pub cleared_seq: u64,
}

/// A conversation that is over: `conversation.deleted`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletedConversation {
    /// The conversation.
    #[schema(value_type = Uuid)]
    pub id: ConversationId,
    /// The same, under the name it has in other pushes.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
}

/// What became of somebody in a conversation: `member.*`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MemberChangePush)]
pub struct MemberChange {
    /// The conversation.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// Of whom it tells.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// The member after the change; null for somebody who is no longer there.
    pub member: Option<MemberData>,
    /// How many are in it after the change.
    pub member_count: usize,
}

/// A member of a conversation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MemberPush)]
pub struct MemberData {
    /// The user.
    pub user: UserRef,
    /// `lead` or `member`.
    #[schema(value_type = String, example = "member")]
    pub role: MemberRole,
    /// `active`, `pending` or `invited`.
    #[schema(value_type = String, example = "active")]
    pub status: MemberStatus,
    /// When they came, asked to, or were invited.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Timestamp,
    /// The seq of the newest message then.
    pub join_seq: u64,
}

/// A person, by id alone.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserRef {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: UserId,
}

/// How two people stand after `friend.*`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FriendshipPush)]
pub struct FriendshipData {
    /// The actor.
    #[schema(value_type = Uuid)]
    pub by: UserId,
    /// Concerning whom.
    #[schema(value_type = Uuid)]
    pub with: UserId,
    /// `pending` (a request of `by`), `accepted`, `blocked` (by `by`), or null for strangers.
    pub status: Option<&'static str>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// How far somebody has read, or has been delivered: `receipt.read|delivered`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptData {
    /// The conversation.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// The user.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// Everything up to this message.
    pub seq: u64,
}

/// One's own account: `account.updated|blocked|role_changed`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserPush)]
pub struct UserData<'a> {
    /// The account.
    #[schema(value_type = Uuid)]
    pub id: UserId,
    /// First name.
    pub first_name: Option<&'a str>,
    /// Last name.
    pub last_name: Option<&'a str>,
    /// Picture.
    pub avatar_url: Option<&'a str>,
    /// `USER`, `MODERATOR` or `ADMIN`.
    #[schema(value_type = String, example = "USER")]
    pub role: Role,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The address one signs in with.
    pub email: Option<&'a str>,
    /// Telephone number.
    pub phone: Option<&'a str>,
    /// What the clients keep for the person.
    #[schema(value_type = Option<Object>)]
    pub preferences: Option<&'a Preferences>,
    /// Whether it is stopped from acting.
    pub is_blocked: bool,
}
