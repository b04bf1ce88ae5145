//! From an event and its folded stream to the `data` of its push.

use super::{
    data::{
        ConversationData, DeletedConversation, FriendshipData, HiddenMessage, InviteData, MemberChange, MemberData,
        MessageData, OwnSettingsData, ReactionCount, ReceiptData, UserData, UserRef,
    },
    fold::{ConversationFold, Folded, MessageFold, UserFold},
};
use domain::{
    ConversationId, Event, MessageId, Timestamp, UserId, conversation::ConversationEvent, friendship::FriendshipEvent,
    message::MessageEvent, own_settings::OwnSettings, read_marker::ReadMarkerEvent, user::Profile,
};
use event_store::Record;
use serde::Serialize;

/// The `data` of the push of an event, given its stream folded up to it; `None` when it is not pushed.
pub(super) fn render(event: &Event, record: &Record, folded: &Folded) -> Option<Result<String, serde_json::Error>> {
    let stream = record.aggregate_id;
    Some(match (event, folded) {
        (Event::Message(MessageEvent::Hidden { conversation, .. }), _) => {
            json(&HiddenMessage { message_id: stream.into(), conversation_id: *conversation })
        }
        (Event::Message(_), Folded::Message(fold)) => json(&message(stream.into(), fold, fold, None)?),
        (Event::Conversation(ConversationEvent::Deleted { .. }), _) => {
            json(&DeletedConversation { id: stream.into(), conversation_id: stream.into() })
        }
        (
            Event::Conversation(ConversationEvent::InviteCreated { .. } | ConversationEvent::InviteRevoked { .. }),
            Folded::Conversation(fold),
        ) => json(&invite(stream.into(), fold)?),
        (Event::Conversation(event), Folded::Conversation(fold)) => match member_of(event) {
            Some(user) => json(&member(stream.into(), user, fold)),
            None => json(&conversation(stream.into(), fold, fold, record.scope_seq)),
        },
        (Event::Friendship(event), _) => json(&friendship(event, record.recorded_at)),
        (Event::ReadMarker(ReadMarkerEvent::Read { conversation, user, seq }), _)
        | (Event::ReadMarker(ReadMarkerEvent::ReadPrivately { conversation, user, seq }), _)
        | (Event::ReadMarker(ReadMarkerEvent::Delivered { conversation, user, seq }), _) => {
            json(&ReceiptData { conversation_id: *conversation, user_id: *user, seq: *seq })
        }
        (Event::User(_), Folded::User(fold)) => json(&user(stream.into(), fold, fold)),
        (Event::OwnSettings(event), Folded::OwnSettings(state)) => json(&own_settings(event.place().0, state)),
        (Event::Call(_), Folded::Call(fold)) => json(&fold.resource(stream.into())?),
        (Event::Story(event), Folded::Story(fold)) => return fold.render(record, event),
        (Event::Report(_), Folded::Report(fold)) => json(&fold.resource(stream.into())?),
        _ => return None,
    })
}

pub(super) fn json(data: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(data)
}

/// A message as it was after an event (`at`), without content removed by `now`. A reader who lost it at `gone` gets a
/// tombstone as of a deleted one.
pub(super) fn message<'a>(
    id: MessageId,
    at: &'a MessageFold,
    now: &'a MessageFold,
    gone: Option<Timestamp>,
) -> Option<MessageData<'a>> {
    let posted = now.state.posted()?;
    let is_there = gone.is_none() && !now.state.is_deleted();
    let content = posted.content.as_ref().filter(|_| is_there);
    let is_as_it_was = at.state.posted()?.content.as_ref() == content;
    Some(MessageData {
        id,
        conversation_id: posted.conversation,
        sender_id: posted.sender,
        seq: now.seq,
        position: now.position,
        message_type: posted.message_type,
        content: content.map(|content| content.body.as_str()),
        attachments: content.map_or(&[], |content| &content.attachments),
        reply_to: posted.reply_to,
        mentions: content.map_or(&[], |_| &posted.mentions),
        reactions: if is_there { reactions(at, now) } else { Vec::new() },
        created_at: now.created_at,
        edited_at: if is_as_it_was || content.is_none() { at.edited_at } else { now.edited_at },
        deleted_at: gone.or(now.deleted_at),
        pinned_at: at.pinned_at.filter(|_| is_there),
    })
}

/// Reactions that were there after an event, and still are.
fn reactions<'a>(at: &'a MessageFold, now: &'a MessageFold) -> Vec<ReactionCount<'a>> {
    let still = now.state.reactions();
    let counted = at.state.reactions().iter().filter_map(|(emoji, users)| {
        let count = if std::ptr::eq(at, now) { users.len() } else { users.intersection(still.get(emoji)?).count() };
        (count > 0).then_some(ReactionCount { emoji: emoji.as_str(), count })
    });
    counted.collect()
}

/// A conversation as it was after an event (`at`), under the title and picture that it has `now`.
pub(super) fn conversation<'a>(
    id: ConversationId,
    at: &'a ConversationFold,
    now: &'a ConversationFold,
    last_seq: u64,
) -> ConversationData<'a> {
    let settings = now.state.settings();
    ConversationData {
        id,
        conversation_type: at.state.conversation_type(),
        title: settings.title.as_ref().map(|title| title.as_str()),
        avatar_url: settings.avatar_url.as_ref().map(|url| url.as_str()),
        joining: at.state.joining(),
        approval: at.state.approval(),
        created_by: at.state.created_by(),
        created_at: at.created_at,
        member_count: at.state.active().count(),
        last_seq,
    }
}

/// Of whom the event tells; `None` when it tells of the conversation.
const fn member_of(event: &ConversationEvent) -> Option<UserId> {
    use ConversationEvent as Happened;
    match event {
        Happened::Created { .. }
        | Happened::Updated { .. }
        | Happened::Deleted { .. }
        | Happened::InviteCreated { .. }
        | Happened::InviteRevoked { .. } => None,
        Happened::MemberJoined { user, .. }
        | Happened::MemberLeft { user }
        | Happened::MemberAdded { user, .. }
        | Happened::MemberKicked { user, .. }
        | Happened::MemberInvited { user, .. }
        | Happened::MemberPromoted { user, .. }
        | Happened::MemberDemoted { user, .. }
        | Happened::MemberRequested { user, .. }
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

fn invite(conversation_id: ConversationId, fold: &ConversationFold) -> Option<InviteData<'_>> {
    let invite = fold.invite.as_ref()?;
    Some(InviteData {
        conversation_id,
        code: invite.code.as_ref().map(|code| code.as_str()),
        created_by: invite.by,
        created_at: invite.made_at,
        expires_at: invite.expires_at,
        max_uses: invite.max_uses.map(|most| most.get()),
        uses: invite.uses,
    })
}

fn own_settings(conversation_id: ConversationId, state: &OwnSettings) -> OwnSettingsData {
    OwnSettingsData {
        conversation_id,
        muted: state.muted().is_some(),
        muted_until: state.muted().and_then(|muted| muted.until),
        archived: state.archived().is_some(),
        cleared_seq: state.cleared(),
    }
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

/// An account as it was after an event (`at`), with the profile that it has `now`.
pub(super) fn user<'a>(id: UserId, at: &'a UserFold, now: &'a UserFold) -> UserData<'a> {
    let profile = now.state.profile();
    UserData {
        id,
        first_name: profile.map(|profile| profile.first_name.as_str()),
        last_name: profile.map(|profile| profile.last_name.as_str()),
        avatar_url: profile.and_then(|profile| profile.avatar_url.as_ref()).map(|url| url.as_str()),
        role: at.state.role(),
        created_at: at.created_at,
        email: profile.map(|profile| profile.email.as_str()),
        phone: profile.and_then(|profile: &Profile| profile.phone.as_ref()).map(|phone| phone.as_str()),
        preferences: profile.map(|profile| &profile.preferences),
        is_blocked: at.state.may_act().is_err(),
    }
}
