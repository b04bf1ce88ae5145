//! One event of every kind, with every optional field there.
#![expect(clippy::unwrap_used, reason = "a sample that is not valid has failed")]

use domain::{
    ConversationId, Event, MessageId, Personal, UserId,
    audit::{AuditEvent, Question},
    call::{CallEvent, CallType, EndReason as CallEnd},
    conversation::{ConversationEvent, ConversationType, Settings},
    friendship::FriendshipEvent,
    message::{Attachment, MessageContent, MessageEvent, MessageType},
    read_marker::ReadMarkerEvent,
    session::{Device, EndReason, SessionEvent},
    text::{DeviceName, DisplayName, EmailAddress, Emoji, FileName, Link, MediaType, MessageBody, PhoneNumber, Title},
    user::{Preferences, Profile, ProfileChanged, Role, UserEvent},
};
use uuid::Uuid;

/// How many kinds of event there are.
pub(crate) const KINDS: usize = 41;

/// The number of an event's kind. A new kind does not compile until it has a number here.
pub(crate) fn number(event: &Event) -> usize {
    use CallEvent as K;
    use ConversationEvent as C;
    use FriendshipEvent as F;
    use MessageEvent as M;
    match event {
        Event::User(UserEvent::Registered { .. }) => 0,
        Event::User(UserEvent::Updated { .. }) => 1,
        Event::User(UserEvent::Blocked) => 2,
        Event::User(UserEvent::Unblocked) => 3,
        Event::Session(SessionEvent::Started { .. }) => 4,
        Event::Session(SessionEvent::Ended { .. }) => 5,
        Event::Friendship(F::Requested { .. }) => 6,
        Event::Friendship(F::Accepted { .. }) => 7,
        Event::Friendship(F::Rejected { .. }) => 8,
        Event::Friendship(F::Cancelled { .. }) => 9,
        Event::Friendship(F::Blocked { .. }) => 10,
        Event::Friendship(F::Unblocked { .. }) => 11,
        Event::Friendship(F::Unfriended { .. }) => 12,
        Event::Conversation(C::Created { .. }) => 13,
        Event::Conversation(C::Updated { .. }) => 14,
        Event::Conversation(C::Deleted { .. }) => 15,
        Event::Conversation(C::MemberJoined { .. }) => 16,
        Event::Conversation(C::MemberLeft { .. }) => 17,
        Event::Conversation(C::MemberAdded { .. }) => 18,
        Event::Conversation(C::MemberKicked { .. }) => 19,
        Event::Conversation(C::MemberPromoted { .. }) => 20,
        Event::Conversation(C::MemberDemoted { .. }) => 21,
        Event::Conversation(C::MemberRequested { .. }) => 22,
        Event::Conversation(C::MemberApproved { .. }) => 23,
        Event::Conversation(C::MemberRejected { .. }) => 24,
        Event::Message(M::Sent { .. }) => 25,
        Event::Message(M::Edited { .. }) => 26,
        Event::Message(M::Deleted { .. }) => 27,
        Event::Message(M::Hidden { .. }) => 28,
        Event::Message(M::Reacted { .. }) => 29,
        Event::Message(M::Unreacted { .. }) => 30,
        Event::ReadMarker(ReadMarkerEvent::Read { .. }) => 31,
        Event::ReadMarker(ReadMarkerEvent::Delivered { .. }) => 32,
        Event::ReadMarker(ReadMarkerEvent::ReadPrivately { .. }) => 33,
        Event::Call(K::Ringing { .. }) => 34,
        Event::Call(K::Answered { .. }) => 35,
        Event::Call(K::Refused { .. }) => 36,
        Event::Call(K::Missed { .. }) => 37,
        Event::Call(K::Left { .. }) => 38,
        Event::Call(K::Closed { .. }) => 39,
        Event::Audit(AuditEvent::Read { .. }) => 40,
    }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 | n)
}

/// One event of every kind.
pub(crate) fn samples() -> Vec<Event> {
    let mut samples: Vec<Event> = vec![];
    samples.extend(user().into_iter().map(Event::from));
    samples.extend(session().into_iter().map(Event::from));
    samples.extend(friendship().into_iter().map(Event::from));
    samples.extend(conversation().into_iter().map(Event::from));
    samples.extend(message().into_iter().map(Event::from));
    samples.extend(read_marker().into_iter().map(Event::from));
    samples.extend(call().into_iter().map(Event::from));
    samples.extend(audit().into_iter().map(Event::from));
    samples
}

fn ana() -> UserId {
    UserId(id(1))
}

fn bob() -> UserId {
    UserId(id(2))
}

fn user() -> Vec<UserEvent> {
    let preferences = Preferences(serde_json::from_str(r#"{"theme":"dark"}"#).unwrap());
    let profile = Profile {
        first_name: DisplayName::parse("Ana").unwrap(),
        last_name: DisplayName::parse("Alves").unwrap(),
        email: EmailAddress::parse("ana@example.org").unwrap(),
        phone: PhoneNumber::parse("+84 123 456").ok(),
        avatar_url: Link::parse("/files/ana").ok(),
        preferences: preferences.clone(),
    };
    let changed = ProfileChanged {
        first_name: DisplayName::parse("Anna").ok(),
        last_name: None,
        avatar_url: Some(None),
        phone: Some(PhoneNumber::parse("+84 654 321").ok()),
        preferences: Some(preferences),
    };
    vec![
        UserEvent::Registered { role: Role::Admin, profile: Personal::new(ana(), profile) },
        UserEvent::Updated { changed: Personal::new(ana(), changed) },
        UserEvent::Blocked,
        UserEvent::Unblocked,
    ]
}

fn session() -> Vec<SessionEvent> {
    let device = Device { name: DeviceName::parse("Telephone").ok(), ip: Some("192.0.2.1".to_owned()) };
    vec![
        SessionEvent::Started { user: ana(), device: Personal::new(ana(), device) },
        SessionEvent::Ended { user: ana(), reason: EndReason::TokenReuse },
    ]
}

fn friendship() -> Vec<FriendshipEvent> {
    let (by, with) = (ana(), bob());
    vec![
        FriendshipEvent::Requested { by, with },
        FriendshipEvent::Accepted { by, with },
        FriendshipEvent::Rejected { by, with },
        FriendshipEvent::Cancelled { by, with },
        FriendshipEvent::Blocked { by, with },
        FriendshipEvent::Unblocked { by, with },
        FriendshipEvent::Unfriended { by, with },
    ]
}

fn conversation() -> Vec<ConversationEvent> {
    use ConversationEvent as Event;
    let (by, user) = (ana(), bob());
    let settings = |title| {
        let settings = Settings { title: Title::parse(title).ok(), avatar_url: Link::parse("/files/us").ok() };
        Personal::new(by, settings)
    };
    vec![
        Event::Created {
            conversation_type: ConversationType::Group,
            created_by: by,
            members: vec![by, user],
            settings: settings("Us"),
            approval: true,
        },
        Event::Updated { by, settings: settings("We"), approval: false },
        Event::Deleted { by: Some(by), members: vec![by, user], pending: vec![UserId(id(3))] },
        Event::MemberJoined { user },
        Event::MemberLeft { user },
        Event::MemberAdded { user, by },
        Event::MemberKicked { user, by },
        Event::MemberPromoted { user, by },
        Event::MemberDemoted { user, by },
        Event::MemberRequested { user },
        Event::MemberApproved { user, by },
        Event::MemberRejected { user, by },
    ]
}

fn message() -> Vec<MessageEvent> {
    let (conversation, user, by) = (ConversationId(id(10)), bob(), ana());
    let emoji = Emoji::parse("👍").unwrap();
    let attachment = Attachment {
        file_url: Link::parse("/files/1").unwrap(),
        thumb_url: Link::parse("/files/1/thumb").ok(),
        name: FileName::parse("cat.png").ok(),
        size: Some(1_234),
        mime: MediaType::parse("image/png").ok(),
    };
    let content = MessageContent { body: MessageBody::parse("look").unwrap(), attachments: vec![attachment] };
    vec![
        MessageEvent::Sent {
            conversation,
            sender: by,
            message_type: MessageType::Image,
            content: Personal::new(by, content),
            reply_to: Some(MessageId(id(20))),
            mentions: vec![user],
        },
        MessageEvent::Edited { conversation, by, body: Personal::new(by, MessageBody::parse("see").unwrap()) },
        MessageEvent::Deleted { conversation, by },
        MessageEvent::Hidden { conversation, user },
        MessageEvent::Reacted { conversation, user, emoji: emoji.clone() },
        MessageEvent::Unreacted { conversation, user, emoji },
    ]
}

fn read_marker() -> Vec<ReadMarkerEvent> {
    let (conversation, user) = (ConversationId(id(10)), bob());
    vec![
        ReadMarkerEvent::Read { conversation, user, seq: 7 },
        ReadMarkerEvent::Delivered { conversation, user, seq: 8 },
        ReadMarkerEvent::ReadPrivately { conversation, user, seq: 9 },
    ]
}

fn call() -> Vec<CallEvent> {
    let (conversation, user) = (ConversationId(id(10)), bob());
    vec![
        CallEvent::Ringing { conversation, caller: ana(), call_type: CallType::Video, invited: vec![user] },
        CallEvent::Answered { conversation, user },
        CallEvent::Refused { conversation, user, over: true },
        CallEvent::Missed { conversation },
        CallEvent::Left { conversation, user, reason: CallEnd::ConnectionLost },
        CallEvent::Closed { conversation, by: Some(user), reason: CallEnd::HungUp },
    ]
}

fn audit() -> Vec<AuditEvent> {
    let filters = [("actor", ana().to_string()), ("type", "message.sent".to_owned())];
    let filters = filters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    vec![AuditEvent::Read { by: ana(), what: Question::Events, filters }]
}
