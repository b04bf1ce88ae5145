//! A log with some events, and the program beside it.

use domain::{
    AggregateType, CallId, ConversationId, Event, MessageId, Personal, Tier, Timestamp, UserId,
    call::{CallEvent, CallType},
    conversation::{ConversationEvent, ConversationType, Settings as GroupSettings},
    message::{MessageContent, MessageEvent, MessageType},
    text::{DisplayName, EmailAddress, MessageBody, Title},
    user::{Preferences, Profile, Role, UserEvent},
};
use event_store::{
    Append, CommandKey, EventStore, Keys, NewEvent, Origin, Position, Retention, Secret, Settings, StreamId,
};
use serde_json::Value;
use sql::{Database, Query};
use std::{
    process::{Output, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};
use testkit::Home;
use tokio::process::Command;
use uuid::Uuid;

/// A message's text, found nowhere else.
pub(crate) const WORDS: &str = "meet me at the old mill";

/// A conversation of two people, and its log.
pub(crate) struct World {
    pub(crate) home: Home,
    pub(crate) store: EventStore,
    pub(crate) ana: UserId,
    pub(crate) ben: UserId,
    pub(crate) room: ConversationId,
}

/// The output of the program.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Option<i32>,
    pub(crate) text: String,
    pub(crate) complaint: String,
}

impl Answer {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), text: text(output.stdout), complaint: text(output.stderr) }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self:?}");
        self
    }
}

/// The program, configured for a home.
pub(crate) fn program(home: &Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatchit-replay"));
    command.args(arguments).env_clear().current_dir(home.folder());
    command.env("CHATCHIT_DATA", home.folder()).env("CHATCHIT_MASTER_KEY", "07".repeat(32));
    if let Some(url) = home.database_url() {
        command.env("DATABASE_URL", url).env("JWT_ACCESS_TOKEN", "a secret of 32 bytes, or a few more than that");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

pub(crate) async fn run(home: &Home, arguments: &[&str]) -> Answer {
    Answer::of(program(home, arguments).output().await.unwrap())
}

/// An id that is unique in this process.
pub(crate) fn id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 64 | 0x7000_8000_0000_0000_0000)
}

/// The time of the events, in milliseconds; each is one later.
fn clock() -> Timestamp {
    static NOW: AtomicU64 = AtomicU64::new(1_000_000);
    Timestamp::from_millis(NOW.fetch_add(1, Ordering::Relaxed) as i64)
}

impl World {
    /// A world with a log, and without read models.
    pub(crate) async fn new(home: Home) -> Self {
        let home = home.emptied().await;
        let keys = Keys { master: [7; 32] };
        let settings = Settings { location: home.log(), connections: 2, partitions: 16, keys, clock };
        let (store, _) = EventStore::open(settings).await.unwrap();
        let (ana, ben, room) = (UserId(id()), UserId(id()), ConversationId(id()));
        let world = Self { home, store, ana, ben, room };
        world.register(ana, "Ana").await;
        world.register(ben, "Ben").await;
        let settings = GroupSettings { title: Some(Title::parse("Mill").unwrap()), avatar_url: None };
        let created = ConversationEvent::Created {
            conversation_type: ConversationType::Group,
            created_by: ana,
            members: vec![ana, ben],
            settings: Personal::new(ana, settings),
            approval: false,
            joining: None,
        };
        world.append(ana, AggregateType::Conversation, room.0, 1, created.into()).await;
        world
    }

    async fn register(&self, user: UserId, name: &str) {
        let profile = Profile {
            first_name: DisplayName::parse(name).unwrap(),
            last_name: DisplayName::parse("Miller").unwrap(),
            email: EmailAddress::parse(&format!("{name}@mill.example")).unwrap(),
            phone: None,
            avatar_url: None,
            preferences: Preferences::default(),
        };
        let registered = UserEvent::Registered { role: Role::User, profile: Personal::new(user, profile) };
        let mut append = command(user, AggregateType::User, user.0, 1, registered.into());
        append.secrets.push(Secret::DataKey { subject: user.0 });
        self.store.append(append).await.unwrap();
    }

    /// Ana sends a message. Returns its id and position.
    pub(crate) async fn say(&self, words: &str) -> (MessageId, Position) {
        let message = MessageId(id());
        let content = MessageContent { body: MessageBody::parse(words).unwrap(), attachments: Vec::new() };
        let sent = MessageEvent::Sent {
            conversation: self.room,
            sender: self.ana,
            message_type: MessageType::Text,
            content: Personal::new(self.ana, content),
            reply_to: None,
            mentions: Vec::new(),
        };
        (message, self.append(self.ana, AggregateType::Message, message.0, 1, sent.into()).await)
    }

    /// Ana calls and nobody answers. Returns the call's id, and the position at which it began to ring.
    pub(crate) async fn call(&self) -> (CallId, Position) {
        let (call, conversation, call_type) = (CallId(id()), self.room, CallType::Voice);
        let ringing = CallEvent::Ringing { conversation, caller: self.ana, call_type, invited: vec![self.ben] };
        let rang = self.append(self.ana, AggregateType::Call, call.0, 1, ringing.into()).await;
        self.append(self.ana, AggregateType::Call, call.0, 2, CallEvent::Missed { conversation }.into()).await;
        (call, rang)
    }

    /// Ana edits a message.
    pub(crate) async fn edit(&self, message: MessageId, words: &str) -> Position {
        let body = Personal::new(self.ana, MessageBody::parse(words).unwrap());
        let edited = MessageEvent::Edited { conversation: self.room, by: self.ana, body };
        self.append(self.ana, AggregateType::Message, message.0, 2, edited.into()).await
    }

    /// Ana erases her account.
    pub(crate) async fn erase_ana(&self) -> Position {
        let mut erase = command(self.ana, AggregateType::User, self.ana.0, 2, UserEvent::Erased.into());
        erase.secrets.push(Secret::Forget { subject: self.ana.0 });
        self.store.append(erase).await.unwrap().position.unwrap()
    }

    async fn append(
        &self,
        actor: UserId,
        aggregate: AggregateType,
        stream: Uuid,
        sequence: u64,
        event: Event,
    ) -> Position {
        let receipt = self.store.append(command(actor, aggregate, stream, sequence, event)).await.unwrap();
        receipt.position.unwrap()
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Answer {
        run(&self.home, arguments).await
    }

    /// Executes a statement on the read models that only a fault would.
    pub(crate) async fn meddle(&self, statement: Query) -> u64 {
        let read = Database::connect(&self.home.read_models(), 1).await.unwrap();
        let changed = read.execute(statement).await.unwrap();
        read.close().await;
        changed
    }
}

fn command(actor: UserId, aggregate: AggregateType, stream: Uuid, sequence: u64, event: Event) -> Append {
    Append {
        origin: Origin { actor: Some(actor.0), correlation_id: Some(id()), causation_id: None },
        key: CommandKey { owner: actor.to_string(), key: id().to_string() },
        request_hash: [0; 32],
        retention: Retention::Week,
        tier: Tier::High,
        guards: Vec::new(),
        claims: Vec::new(),
        secrets: Vec::new(),
        events: vec![NewEvent { stream: StreamId::new(aggregate, stream), sequence, event }],
    }
}
