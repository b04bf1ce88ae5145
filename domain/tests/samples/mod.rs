//! One event of every type, with all optional fields.
#![expect(clippy::unwrap_used, reason = "a sample that is not valid has failed")]

use domain::{
    CommentId, ConversationId, Event, MessageId, Personal, SessionId, Timestamp, UserId,
    administration::{Act, AdministrationEvent},
    audit::{AuditEvent, Question},
    call::{CallEvent, CallType, EndReason as CallEnd},
    conduct::{ConductEvent, Inputs},
    conversation::{ConversationEvent, ConversationType, Settings},
    file::{FileEvent, FileLabel, Sha256},
    friendship::FriendshipEvent,
    id::InviteId,
    message::{Attachment, MessageContent, MessageEvent, MessageType},
    own_settings::OwnSettingsEvent,
    read_marker::ReadMarkerEvent,
    report::{Evidence, ReportEvent, Statement, Target},
    session::{Device, EndReason, SessionEvent},
    story::{Audience, StoryContent, StoryEvent},
    text::{
        CommentText, DeviceName, DisplayName, EmailAddress, Emoji, FileName, InviteCode, Link, MediaType, MessageBody,
        Notes, PhoneNumber, Reason, RejectedReason, StoryText, Title,
    },
    user::{Preferences, Profile, ProfileChanged, Role, UserEvent},
};
use std::num::NonZeroU32;
use uuid::Uuid;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 | n)
}

/// One event of every type.
pub(crate) fn samples() -> Vec<Event> {
    let mut samples: Vec<Event> = vec![];
    samples.extend(user().into_iter().map(Event::from));
    samples.extend(session().into_iter().map(Event::from));
    samples.extend(friendship().into_iter().map(Event::from));
    samples.extend(conversation().into_iter().map(Event::from));
    samples.extend(message().into_iter().map(Event::from));
    samples.extend(read_marker().into_iter().map(Event::from));
    samples.extend(call().into_iter().map(Event::from));
    samples.extend(own_settings().into_iter().map(Event::from));
    samples.extend(file().into_iter().map(Event::from));
    samples.extend(conduct().into_iter().map(Event::from));
    samples.extend(story().into_iter().map(Event::from));
    samples.extend(report().into_iter().map(Event::from));
    samples.push(administration().into());
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
        UserEvent::PasswordChanged { kept: Some(SessionId(id(5))) },
        UserEvent::Deactivated,
        UserEvent::Reactivated,
        UserEvent::Erased,
        UserEvent::RoleChanged { role: Role::Moderator },
    ]
}

fn session() -> Vec<SessionEvent> {
    let device = Device { name: DeviceName::parse("Telephone").ok(), ip: Some("192.0.2.1".to_owned()) };
    vec![
        SessionEvent::Started { user: ana(), device: Personal::new(ana(), device), sign_outs: None },
        SessionEvent::Ended { user: ana(), reason: EndReason::TokenReuse },
    ]
}

fn friendship() -> Vec<FriendshipEvent> {
    let (by, with) = (ana(), bob());
    vec![
        FriendshipEvent::Requested { by, with, at: None },
        FriendshipEvent::Accepted { by, with },
        FriendshipEvent::Rejected { by, with, at: None },
        FriendshipEvent::Cancelled { by, with },
        FriendshipEvent::Blocked { by, with },
        FriendshipEvent::Unblocked { by, with, at: None },
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
            joining: None,
        },
        Event::Updated { by, settings: settings("We"), approval: false, joining: None, at: None },
        Event::Deleted { by: Some(by), members: vec![by, user], pending: vec![UserId(id(3))] },
        Event::MemberJoined { user, invite: Some(InviteId(id(30))), at: None },
        Event::MemberLeft { user },
        Event::MemberAdded { user, by, at: None },
        Event::MemberKicked { user, by },
        Event::MemberInvited { user, by, at: Timestamp::from_millis(1_795_460_818_120) },
        Event::MemberPromoted { user, by, at: None },
        Event::MemberDemoted { user, by },
        Event::MemberRequested { user, invite: Some(InviteId(id(30))), at: None },
        Event::MemberApproved { user, by },
        Event::MemberRejected { user, by },
        Event::InviteCreated {
            invite: InviteId(id(30)),
            by,
            code: Personal::new(by, InviteCode::parse("AAECAwQFBgcICQoLDA0ODw").unwrap()),
            made_at: Timestamp::from_millis(1_795_460_818_120),
            expires_at: Some(Timestamp::from_millis(1_795_547_218_120)),
            max_uses: NonZeroU32::new(5),
        },
        Event::InviteRevoked { invite: InviteId(id(30)), by, made_by: user },
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
        MessageEvent::Reacted { conversation, user, emoji: Personal::new(user, emoji.clone()) },
        MessageEvent::Unreacted { conversation, user, emoji: Personal::new(user, emoji) },
        MessageEvent::Pinned { conversation, by },
        MessageEvent::Unpinned { conversation, by },
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

fn own_settings() -> Vec<OwnSettingsEvent> {
    let (conversation, user) = (ConversationId(id(10)), bob());
    vec![
        OwnSettingsEvent::Muted { conversation, user, until: Some(Timestamp::from_millis(1_795_460_818_120)) },
        OwnSettingsEvent::Unmuted { conversation, user },
        OwnSettingsEvent::Archived { conversation, user, seq: 7 },
        OwnSettingsEvent::Unarchived { conversation, user },
        OwnSettingsEvent::Cleared { conversation, user, seq: 8 },
    ]
}

fn call() -> Vec<CallEvent> {
    let (conversation, user) = (ConversationId(id(10)), bob());
    vec![
        CallEvent::Ringing { conversation, caller: ana(), call_type: CallType::Video, invited: vec![user] },
        CallEvent::Answered { conversation, user },
        CallEvent::Refused { conversation, user, over: true },
        CallEvent::Missed { conversation },
        CallEvent::Left { conversation, user, reason: CallEnd::ConnectionLost, recipients: Vec::new() },
        CallEvent::Closed { conversation, by: Some(user), reason: CallEnd::HungUp, recipients: Vec::new() },
    ]
}

fn file() -> Vec<FileEvent> {
    let by = ana();
    let label = FileLabel { name: FileName::parse("cat.png").unwrap(), sha256: Sha256([0xab; 32]) };
    vec![
        FileEvent::Uploaded {
            by,
            label: Personal::new(by, label),
            size: 1_234,
            mime: MediaType::parse("image/png").unwrap(),
            thumb: true,
        },
        FileEvent::Collected { by },
        FileEvent::Restored { by },
        FileEvent::Deleted { by },
    ]
}

fn conduct() -> Vec<ConductEvent> {
    let inputs = Inputs {
        identical: 101,
        links: 1,
        recent_links: 31,
        recent_mentions: 2,
        conversations: 3,
        burst: 12,
        strangers: 0,
        unasked: 0,
        unasked_links: 0,
        age: Some(60),
    };
    let (user, conversation) = (ana(), ConversationId(id(10)));
    vec![ConductEvent::Judged { user, conversation, formula: 1, inputs, points: inputs.points() }]
}

fn story() -> Vec<StoryEvent> {
    let (author, user, comment) = (ana(), bob(), CommentId(id(30)));
    let content = |text| {
        let media_url = Link::parse("/files/1").ok();
        Personal::new(author, StoryContent { text: StoryText::parse(text).unwrap(), media_url })
    };
    let recipients = || vec![user];
    let text = Personal::new(user, CommentText::parse("nice").unwrap());
    vec![
        StoryEvent::Posted {
            author,
            content: content("sun"),
            audience: Audience::Friends,
            recipients: recipients(),
            expires_at: Timestamp::from_millis(1_795_460_818_120),
        },
        StoryEvent::Edited { author, content: content("rain"), recipients: recipients() },
        StoryEvent::Deleted { author, by: author, recipients: recipients() },
        StoryEvent::Expired { author, recipients: recipients() },
        StoryEvent::Liked { author, user },
        StoryEvent::Unliked { author, user },
        StoryEvent::Viewed { author, user },
        StoryEvent::Commented { author, comment, user, text },
        StoryEvent::CommentDeleted { author, comment, user, by: author },
    ]
}

fn report() -> Vec<ReportEvent> {
    let (reporter, by) = (ana(), UserId(id(3)));
    let content = MessageContent { body: MessageBody::parse("buy this").unwrap(), attachments: vec![] };
    let statement = Statement { reason: Reason::parse("spam").unwrap(), notes: Notes::parse("three times today").ok() };
    vec![
        ReportEvent::Filed {
            reporter,
            target: Target::Message { message: MessageId(id(20)), conversation: ConversationId(id(10)) },
            accused: bob(),
            version: 2,
            statement: Personal::new(reporter, statement),
            evidence: Personal::new(bob(), Evidence::Message { message_type: MessageType::Text, content }),
            digest: "0f".repeat(32),
        },
        ReportEvent::Resolved { reporter, by },
        ReportEvent::Rejected {
            reporter,
            by,
            reason: Some(Personal::new(by, RejectedReason::parse("a joke").unwrap())),
        },
    ]
}

fn administration() -> AdministrationEvent {
    AdministrationEvent::Acted { by: ana(), act: Act::DiscardDeadLetter, target: "messages:4711".to_owned() }
}

fn audit() -> Vec<AuditEvent> {
    let filters = [("actor", ana().to_string()), ("type", "message.sent".to_owned())];
    let filters = filters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    vec![AuditEvent::Read { by: ana(), what: Question::Events, filters }]
}
