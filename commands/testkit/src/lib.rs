//! A log, a write side over it, and people: the start of every test of `commands` and `jobs`.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(missing_docs, reason = "most names say what they mean")]

use commands::{
    Actor, CommandError, CommandSettings, Commands, Context, CreateConversation, InitiateCall, Initiated, Password,
    PasswordCost, Register, SendMessage, SignIn, SignedIn,
};
use domain::{
    CallId, ConversationId, MessageId, SessionId, Timestamp, UserId,
    call::CallType,
    conversation::{ConversationType, Joining},
    friendship::FriendshipAct,
    link::LinkHosts,
    message::{MessageContent, MessageType},
    session::Device,
    text::{DisplayName, EmailAddress, MessageBody, Title},
    user::{Preferences, Profile, Reach, Role},
};
use event_store::{ClaimKind, EventStore, Keys, Settings};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use testkit::Home;
use uuid::Uuid;

/// A clock that advances by a millisecond with every reading.
pub fn clock() -> Timestamp {
    static NOW: AtomicI64 = AtomicI64::new(1_795_460_818_000);
    Timestamp::from_millis(NOW.fetch_add(1, Ordering::Relaxed))
}

pub fn ids() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 | u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub fn settings() -> CommandSettings {
    CommandSettings {
        clock,
        ids,
        password_cost: PasswordCost { memory_kib: 8, iterations: 1, parallelism: 1 },
        limits: false,
        refresh_ttl_ms: 1_000_000,
        refresh_grace_ms: 500_000,
        reachable_by: Reach::Everyone,
        link_hosts: LinkHosts::from_iter(["a.example".to_owned()]),
    }
}

pub async fn open(home: &Home) -> EventStore {
    let settings =
        Settings { location: home.log(), connections: 4, partitions: 4, keys: Keys { master: [7; 32] }, clock };
    EventStore::open(settings).await.unwrap().0
}

/// A write side over a log of its own.
pub async fn server(home: &Home) -> Commands {
    Commands::new(open(home).await, settings())
}

/// The context of a client that is not signed in.
pub fn anonymous() -> Context {
    Context { actor: None, key: None, correlation_id: ids(), causation_id: None }
}

/// A signed-in person.
#[derive(Clone)]
pub struct Person {
    pub id: UserId,
    pub session: SessionId,
    pub ctx: Context,
}

impl Person {
    pub fn of(signed_in: &SignedIn) -> Self {
        let actor = Actor { user: signed_in.user_id, session: Some(signed_in.session) };
        let ctx = Context { actor: Some(actor), ..anonymous() };
        Self { id: signed_in.user_id, session: signed_in.session, ctx }
    }

    pub fn with_key(&self, key: &str) -> Context {
        Context { key: Some(key.to_owned()), ..self.ctx.clone() }
    }
}

pub fn email(name: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{name}@example.org")).unwrap()
}

pub fn password(text: &str) -> Password {
    Password::parse(text).unwrap()
}

pub fn registration(name: &str) -> Register {
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

pub fn sign_in(name: &str, claimed: &str) -> SignIn {
    SignIn { email: email(name), password: Password::claimed(claimed), device: Device::default() }
}

pub async fn person(commands: &Commands, name: &str) -> Person {
    Person::of(&commands.register(&anonymous(), registration(name)).await.unwrap())
}

pub async fn admin(commands: &Commands) -> Person {
    let registration = Register { role: Role::Admin, ..registration("admin") };
    Person::of(&commands.register(&anonymous(), registration).await.unwrap())
}

pub fn group_of(members: &[&Person]) -> CreateConversation {
    CreateConversation {
        conversation_type: ConversationType::Group,
        title: Some(Title::parse("Us").unwrap()),
        avatar_url: None,
        joining: Joining::Invite,
        members: members.iter().map(|person| person.id).collect(),
    }
}

pub fn direct_with(other: &Person) -> CreateConversation {
    let conversation_type = ConversationType::Direct;
    CreateConversation { conversation_type, title: None, ..group_of(&[other]) }
}

/// A group led by `lead`.
pub async fn group(commands: &Commands, lead: &Person, members: &[&Person]) -> ConversationId {
    ConversationId(commands.create_conversation(&lead.ctx, group_of(members)).await.unwrap().done.id)
}

pub async fn direct(commands: &Commands, one: &Person, other: &Person) -> ConversationId {
    ConversationId(commands.create_conversation(&one.ctx, direct_with(other)).await.unwrap().done.id)
}

pub fn text(body: &str) -> MessageContent {
    MessageContent { body: MessageBody::parse(body).unwrap(), attachments: vec![] }
}

pub fn draft(conversation: ConversationId, body: &str) -> SendMessage {
    SendMessage {
        id: None,
        conversation,
        message_type: MessageType::Text,
        content: text(body),
        reply_to: None,
        mentions: vec![],
        seen: BTreeSet::new(),
    }
}

/// Sends a message.
pub async fn say(commands: &Commands, by: &Person, conversation: ConversationId, body: &str) -> MessageId {
    MessageId(commands.send_message(&by.ctx, draft(conversation, body)).await.unwrap().id)
}

pub async fn block(commands: &Commands, by: &Person, whom: &Person) {
    commands.friendship(&by.ctx, whom.id, FriendshipAct::Block).await.unwrap();
}

pub async fn befriend(commands: &Commands, one: &Person, other: &Person) {
    commands.friendship(&one.ctx, other.id, FriendshipAct::Request).await.unwrap();
    commands.friendship(&other.ctx, one.id, FriendshipAct::Accept).await.unwrap();
}

pub async fn signed_in(commands: &Commands, name: &str, password: &str) -> (Person, String) {
    let signed_in = commands.sign_in(&anonymous(), sign_in(name, password)).await.unwrap();
    (Person::of(&signed_in), signed_in.refresh_token)
}

pub async fn lives(commands: &Commands, person: &Person) -> bool {
    commands.session_is_live(person.session, person.id).await.unwrap()
}

pub fn call_in(conversation: ConversationId) -> InitiateCall {
    InitiateCall { id: CallId(ids()), conversation, call_type: CallType::Video, somebody_is_there: true }
}

pub async fn initiate(commands: &Commands, by: &Person, conversation: ConversationId) -> Initiated {
    commands.initiate_call(&by.ctx, call_in(conversation)).await.unwrap()
}

/// A call that rings.
pub async fn ringing(commands: &Commands, by: &Person, conversation: ConversationId) -> CallId {
    CallId(initiate(commands, by, conversation).await.done.id)
}

/// The call that the conversation has now.
pub async fn active_call(store: &EventStore, conversation: ConversationId) -> Option<CallId> {
    let hash = store.claim_hash(ClaimKind::ActiveCall, &conversation.to_string());
    store.claimed_by(ClaimKind::ActiveCall, &hash).await.unwrap().map(CallId)
}

/// The stable word of a refusal; for a fault of a field, `field:word`.
#[track_caller]
pub fn refusal<T>(result: Result<T, CommandError>) -> String {
    match result.err().expect("a refusal") {
        CommandError::Refused { code, .. } => code.to_owned(),
        CommandError::Invalid(fields) => {
            fields.iter().map(|fault| format!("{}:{}", fault.field, fault.code)).collect::<Vec<_>>().join(" ")
        }
        CommandError::Taken(kind) => format!("taken:{}", kind.as_str()),
        other => format!("{other:?}"),
    }
}
