//! The `data` of pushes: resources of the protocol without what depends on the viewer.

use super::fold::{ConversationFold, Folded, MessageFold, UserFold};
use domain::{
    ConversationId, Event, MessageId, Timestamp, UserId,
    conversation::{ConversationEvent, ConversationType, MemberRole, MemberStatus},
    friendship::FriendshipEvent,
    message::{Attachment, MessageEvent, MessageType},
    read_marker::ReadMarkerEvent,
    user::{Preferences, Profile, Role},
};
use event_store::{Position, Record};
use serde::Serialize;
use utoipa::ToSchema;

/// A message: `message.sent|edited|deleted|reacted|unreacted`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessagePush)]
pub struct MessageData<'a> {
    /// The message.
    #[schema(value_type = Uuid)]
    pub id: MessageId,
    /// Where it was posted.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// By whom.
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
    #[schema(value_type = Vec<Object>)]
    pub attachments: &'a [Attachment],
    /// The message it answers.
    #[schema(value_type = Option<Uuid>)]
    pub reply_to: Option<MessageId>,
    /// Whom it mentions.
    #[schema(value_type = Vec<Uuid>)]
    pub mentions: &'a [UserId],
    /// How many reacted how.
    pub reactions: Vec<ReactionCount<'a>>,
    /// When it was sent.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its text was last replaced.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub edited_at: Option<Timestamp>,
    /// When it was deleted for everybody.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deleted_at: Option<Timestamp>,
}

/// How many reacted in one way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReactionCount)]
pub struct ReactionCount<'a> {
    /// How.
    pub emoji: &'a str,
    /// How many.
    pub count: usize,
}

/// A message that the user themselves no longer wants to see: `message.hidden`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HiddenMessage {
    /// The message.
    #[schema(value_type = Uuid)]
    pub message_id: MessageId,
    /// Where it was posted.
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
    /// Whether joining needs approval.
    pub approval: bool,
    /// Who opened it.
    #[schema(value_type = Uuid)]
    pub created_by: UserId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// How many are in it.
    pub member_count: usize,
    /// The seq of its newest message.
    pub last_seq: u64,
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
pub struct MemberChange {
    /// Where.
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
    /// Who.
    pub user: UserRef,
    /// `lead` or `member`.
    #[schema(value_type = String, example = "member")]
    pub role: MemberRole,
    /// `active` or `pending`.
    #[schema(value_type = String, example = "active")]
    pub status: MemberStatus,
    /// When they came, or asked to.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Timestamp,
    /// The seq of the newest message then.
    pub join_seq: u64,
}

/// A person, by id alone.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserRef {
    /// Who.
    #[schema(value_type = Uuid)]
    pub id: UserId,
}

/// How two people stand after `friend.*`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FriendshipPush)]
pub struct FriendshipData {
    /// Who acted.
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
    /// Where.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// Who.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// Everything up to this message.
    pub seq: u64,
}

/// One's own account: `account.updated|blocked`.
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
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The address one signs in with.
    pub email: Option<&'a str>,
    /// Telephone number.
    pub phone: Option<&'a str>,
    /// What the clients keep for the person.
    #[schema(value_type = Object)]
    pub preferences: Option<&'a Preferences>,
    /// Whether it is stopped from acting.
    pub is_blocked: bool,
}

/// The `data` of the push of an event, given its stream folded up to it; `None` when sockets are not told.
pub(super) fn render(event: &Event, record: &Record, folded: &Folded) -> Option<Result<String, serde_json::Error>> {
    let stream = record.aggregate_id;
    Some(match (event, folded) {
        (Event::Message(MessageEvent::Hidden { conversation, .. }), _) => {
            json(&HiddenMessage { message_id: stream.into(), conversation_id: *conversation })
        }
        (Event::Message(_), Folded::Message(fold)) => json(&message(stream.into(), fold)?),
        (Event::Conversation(ConversationEvent::Deleted { .. }), _) => {
            json(&DeletedConversation { id: stream.into(), conversation_id: stream.into() })
        }
        (Event::Conversation(event), Folded::Conversation(fold)) => match member_of(event) {
            Some(user) => json(&member(stream.into(), user, fold)),
            None => json(&conversation(stream.into(), fold, record.scope_seq)),
        },
        (Event::Friendship(event), _) => json(&friendship(event, record.recorded_at)),
        (Event::ReadMarker(ReadMarkerEvent::Read { conversation, user, seq }), _)
        | (Event::ReadMarker(ReadMarkerEvent::Delivered { conversation, user, seq }), _) => {
            json(&ReceiptData { conversation_id: *conversation, user_id: *user, seq: *seq })
        }
        (Event::User(_), Folded::User(fold)) => json(&user(stream.into(), fold)),
        _ => return None,
    })
}

fn json(data: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(data)
}

fn message(id: MessageId, fold: &MessageFold) -> Option<MessageData<'_>> {
    let posted = fold.state.posted()?;
    let content = posted.content.as_ref().filter(|_| !fold.state.is_deleted());
    let reactions = fold.state.reactions().iter();
    Some(MessageData {
        id,
        conversation_id: posted.conversation,
        sender_id: posted.sender,
        seq: fold.seq,
        position: fold.position,
        message_type: posted.message_type,
        content: content.map(|content| content.body.as_str()),
        attachments: content.map_or(&[], |content| &content.attachments),
        reply_to: posted.reply_to,
        mentions: &posted.mentions,
        reactions: reactions
            .map(|(emoji, users)| ReactionCount { emoji: emoji.as_str(), count: users.len() })
            .collect(),
        created_at: fold.created_at,
        edited_at: fold.edited_at,
        deleted_at: fold.deleted_at,
    })
}

fn conversation(id: ConversationId, fold: &ConversationFold, last_seq: u64) -> ConversationData<'_> {
    let settings = fold.state.settings();
    ConversationData {
        id,
        conversation_type: fold.state.conversation_type(),
        title: settings.title.as_ref().map(|title| title.as_str()),
        avatar_url: settings.avatar_url.as_ref().map(|url| url.as_str()),
        approval: fold.state.approval(),
        created_by: fold.state.created_by(),
        created_at: fold.created_at,
        member_count: fold.state.active().count(),
        last_seq,
    }
}

/// Of whom the event tells; `None` when it tells of the conversation.
const fn member_of(event: &ConversationEvent) -> Option<UserId> {
    use ConversationEvent as Happened;
    match event {
        Happened::Created { .. } | Happened::Updated { .. } | Happened::Deleted { .. } => None,
        Happened::MemberJoined { user }
        | Happened::MemberLeft { user }
        | Happened::MemberAdded { user, .. }
        | Happened::MemberKicked { user, .. }
        | Happened::MemberPromoted { user, .. }
        | Happened::MemberDemoted { user, .. }
        | Happened::MemberRequested { user }
        | Happened::MemberApproved { user, .. }
        | Happened::MemberRejected { user, .. } => Some(*user),
    }
}

fn member(conversation_id: ConversationId, user: UserId, fold: &ConversationFold) -> MemberChange {
    let member = fold.state.member(user).zip(fold.arrivals.get(&user)).map(|(member, arrival)| MemberData {
        user: UserRef { id: user },
        role: member.role,
        status: member.status,
        joined_at: arrival.at,
        join_seq: arrival.seq,
    });
    MemberChange { conversation_id, user_id: user, member, member_count: fold.state.active().count() }
}

const fn friendship(event: &FriendshipEvent, since: Timestamp) -> FriendshipData {
    let (by, with) = event.pair();
    let status = match event {
        FriendshipEvent::Requested { .. } => Some("pending"),
        FriendshipEvent::Accepted { .. } => Some("accepted"),
        FriendshipEvent::Blocked { .. } => Some("blocked"),
        FriendshipEvent::Rejected { .. }
        | FriendshipEvent::Cancelled { .. }
        | FriendshipEvent::Unblocked { .. }
        | FriendshipEvent::Unfriended { .. } => None,
    };
    FriendshipData { by, with, status, since }
}

fn user(id: UserId, fold: &UserFold) -> UserData<'_> {
    let profile = fold.state.profile();
    UserData {
        id,
        first_name: profile.map(|profile| profile.first_name.as_str()),
        last_name: profile.map(|profile| profile.last_name.as_str()),
        avatar_url: profile.and_then(|profile| profile.avatar_url.as_ref()).map(|url| url.as_str()),
        role: fold.state.role(),
        created_at: fold.created_at,
        email: profile.map(|profile| profile.email.as_str()),
        phone: profile.and_then(|profile: &Profile| profile.phone.as_ref()).map(|phone| phone.as_str()),
        preferences: profile.map(|profile| &profile.preferences),
        is_blocked: fold.state.may_act().is_err(),
    }
}
