//! What every test here starts from: a log, a write side over it, and people.

use commands::{
    Actor, CommandError, CommandSettings, Commands, Context, CreateConversation, Password, PasswordCost, Register,
    SendMessage, SignIn, SignedIn,
};
use domain::{
    ConversationId, MessageId, SessionId, Timestamp, UserId,
    conversation::{ConversationType, Joining},
    friendship::FriendshipAct,
    message::{MessageContent, MessageType},
    session::Device,
    text::{DisplayName, EmailAddress, MessageBody, Title},
    user::{Preferences, Profile, Role},
};
use event_store::{EventStore, Keys, Settings};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use testkit::Home;
use uuid::Uuid;

/// A clock that moves on by a millisecond whenever it is read.
pub(crate) fn clock() -> Timestamp {
    static NOW: AtomicI64 = AtomicI64::new(1_795_460_818_000);
    Timestamp::from_millis(NOW.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn ids() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 | u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn settings() -> CommandSettings {
    CommandSettings {
        clock,
        ids,
        password_cost: PasswordCost { memory_kib: 8, iterations: 1, parallelism: 1 },
        limits: false,
        refresh_ttl_ms: 1_000_000,
        refresh_grace_ms: 500_000,
    }
}

pub(crate) async fn open(home: &Home) -> EventStore {
    let settings =
        Settings { location: home.log(), connections: 4, partitions: 4, keys: Keys { master: [7; 32] }, clock };
    EventStore::open(settings).await.unwrap().0
}

/// A write side over a log of its own.
pub(crate) async fn server(home: &Home) -> Commands {
    Commands::new(open(home).await, settings())
}

/// Nobody yet.
pub(crate) fn anonymous() -> Context {
    Context { actor: None, key: None, correlation_id: ids(), causation_id: None }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) session: SessionId,
    pub(crate) ctx: Context,
}

impl Person {
    pub(crate) fn of(signed_in: &SignedIn) -> Self {
        let actor = Actor { user: signed_in.user_id, session: Some(signed_in.session) };
        let ctx = Context { actor: Some(actor), ..anonymous() };
        Self { id: signed_in.user_id, session: signed_in.session, ctx }
    }

    pub(crate) fn with_key(&self, key: &str) -> Context {
        Context { key: Some(key.to_owned()), ..self.ctx.clone() }
    }
}

pub(crate) fn email(name: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{name}@example.org")).unwrap()
}

pub(crate) fn password(text: &str) -> Password {
    Password::parse(text).unwrap()
}

pub(crate) fn registration(name: &str) -> Register {
    Register {
        profile: Profile {
            first_name: DisplayName::parse(name).unwrap(),
            last_name: DisplayName::parse("Example").unwrap(),
            email: email(name),
            phone: None,
            avatar_url: None,
            preferences: Preferences::default(),
        },
        password: password("correct horse"),
        role: Role::User,
        device: Device::default(),
        bootstrap: false,
    }
}

pub(crate) fn sign_in(name: &str, claimed: &str) -> SignIn {
    SignIn { email: email(name), password: Password::claimed(claimed), device: Device::default() }
}

pub(crate) async fn person(commands: &Commands, name: &str) -> Person {
    Person::of(&commands.register(&anonymous(), registration(name)).await.unwrap())
}

pub(crate) async fn admin(commands: &Commands) -> Person {
    let registration = Register { role: Role::Admin, ..registration("admin") };
    Person::of(&commands.register(&anonymous(), registration).await.unwrap())
}

pub(crate) fn group_of(members: &[&Person]) -> CreateConversation {
    CreateConversation {
        conversation_type: ConversationType::Group,
        title: Some(Title::parse("Us").unwrap()),
        avatar_url: None,
        joining: Joining::Invite,
        members: members.iter().map(|person| person.id).collect(),
    }
}

pub(crate) fn direct_with(other: &Person) -> CreateConversation {
    let conversation_type = ConversationType::Direct;
    CreateConversation { conversation_type, title: None, ..group_of(&[other]) }
}

/// A group led by `lead`.
pub(crate) async fn group(commands: &Commands, lead: &Person, members: &[&Person]) -> ConversationId {
    ConversationId(commands.create_conversation(&lead.ctx, group_of(members)).await.unwrap().done.id)
}

pub(crate) async fn direct(commands: &Commands, one: &Person, other: &Person) -> ConversationId {
    ConversationId(commands.create_conversation(&one.ctx, direct_with(other)).await.unwrap().done.id)
}

pub(crate) fn text(body: &str) -> MessageContent {
    MessageContent { body: MessageBody::parse(body).unwrap(), attachments: vec![] }
}

pub(crate) fn draft(conversation: ConversationId, body: &str) -> SendMessage {
    SendMessage {
        id: None,
        conversation,
        message_type: MessageType::Text,
        content: text(body),
        reply_to: None,
        mentions: vec![],
    }
}

/// A message that was sent.
pub(crate) async fn say(commands: &Commands, by: &Person, conversation: ConversationId, body: &str) -> MessageId {
    MessageId(commands.send_message(&by.ctx, draft(conversation, body)).await.unwrap().id)
}

pub(crate) async fn block(commands: &Commands, by: &Person, whom: &Person) {
    commands.friendship(&by.ctx, whom.id, FriendshipAct::Block).await.unwrap();
}

pub(crate) async fn befriend(commands: &Commands, one: &Person, other: &Person) {
    commands.friendship(&one.ctx, other.id, FriendshipAct::Request).await.unwrap();
    commands.friendship(&other.ctx, one.id, FriendshipAct::Accept).await.unwrap();
}

/// The stable word of a refusal; for a fault of a field, `field:word`.
#[track_caller]
pub(crate) fn refusal<T>(result: Result<T, CommandError>) -> String {
    match result.err().expect("a refusal") {
        CommandError::Refused { code, .. } => code.to_owned(),
        CommandError::Invalid(fields) => {
            fields.iter().map(|fault| format!("{}:{}", fault.field, fault.code)).collect::<Vec<_>>().join(" ")
        }
        CommandError::Taken(kind) => format!("taken:{}", kind.as_str()),
        other => format!("{other:?}"),
    }
}
