//! The write side: its settings, the machinery its use cases share, and cached states.

use super::{
    Cached, CommandError, Context, Freshness, States, Versioned, coalescing::Coalescing, high_admission::HighAdmission,
    medium_admission::MediumAdmission, overload::Overload, recent_messages::RecentMessages, stream_locks::StreamLocks,
    throttle::Throttle,
};
use domain::{
    CallId, ConversationId, EventType, FileId, MessageId, SessionId, Timestamp, UserId,
    call::Call,
    conversation::Conversation,
    file::File,
    friendship::Friendship,
    id::PairId,
    link::LinkHosts,
    message::Message,
    session::Session,
    user::{Reach, User},
};
use event_store::{EventStore, RecordedEvent};
use passwords::{PasswordCost, Passwords};
use quick_cache::sync::Cache;
use std::sync::Arc;
use uuid::Uuid;

/// The refresh tokens whose owner is kept in memory.
const ISSUED_TOKENS: usize = 100_000;
const ERASED: &[&EventType] = &[EventType::named("account.erased")];

#[derive(Clone, Debug)]
pub struct CommandSettings {
    pub clock: fn() -> Timestamp,
    /// Generates ids (UUID v7).
    pub ids: fn() -> Uuid,
    pub password_cost: PasswordCost,
    /// The lifetime of a refresh token, in milliseconds.
    pub refresh_ttl_ms: i64,
    /// Throttles wrong passwords and refuses spam.
    pub limits: bool,
    /// How long a replaced refresh token still works for a client that lost the answer, in milliseconds.
    pub refresh_grace_ms: i64,
    /// The reach of people without a preference.
    pub reachable_by: Reach,
    /// The hosts that links may name besides this server.
    pub link_hosts: LinkHosts,
}

/// The write side: a method per use case, each in a file of its own. Clones share the state.
#[derive(Clone)]
pub struct Commands {
    shared: Arc<Shared>,
}

struct Shared {
    store: EventStore,
    settings: CommandSettings,
    states: States,
    stream_locks: StreamLocks,
    marks: Coalescing,
    overload: Overload,
    medium: MediumAdmission,
    high: HighAdmission,
    passwords: Passwords,
    throttle: Throttle,
    /// The owners of refresh tokens that this process issued, by the tokens' hash.
    issued_tokens: Cache<[u8; 32], UserId>,
    recent_messages: RecentMessages,
}

impl Commands {
    #[must_use]
    pub fn new(store: EventStore, settings: CommandSettings) -> Self {
        let shared = Shared {
            states: States::new(),
            stream_locks: StreamLocks::default(),
            marks: Coalescing::new(),
            overload: Overload::new(),
            medium: MediumAdmission::new(),
            high: HighAdmission::new(),
            passwords: Passwords::new(settings.password_cost),
            throttle: Throttle::new(settings.limits),
            recent_messages: RecentMessages::new(settings.limits),
            issued_tokens: Cache::new(ISSUED_TOKENS),
            store,
            settings,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Marks the cached state of a committed event's stream as stale; the next load reads the rest of the stream.
    /// A missed event costs a retry, never a wrong decision.
    pub fn observe(&self, event: &RecordedEvent) {
        self.shared.states.observe(event);
        if event.record.is_of(ERASED) {
            self.forget(UserId(event.record.aggregate_id));
        }
    }

    /// Drops the cached data key and texts of an erased person.
    pub(crate) fn forget(&self, user: UserId) {
        self.store().forget(user.0);
        self.states().forget(user);
    }

    /// The cached state of an account.
    ///
    /// # Errors
    /// Fails when the log cannot be read.
    pub async fn user(&self, user: UserId) -> Result<Versioned<User>, CommandError> {
        self.state(user.0).await
    }

    /// The cached state of a conversation.
    ///
    /// # Errors
    /// Fails when the log cannot be read.
    pub async fn conversation(&self, conversation: ConversationId) -> Result<Versioned<Conversation>, CommandError> {
        self.state(conversation.0).await
    }

    /// The cached state of a message.
    ///
    /// # Errors
    /// Fails when the log cannot be read.
    pub async fn message(&self, message: MessageId) -> Result<Versioned<Message>, CommandError> {
        self.state(message.0).await
    }

    /// The cached state of a call.
    ///
    /// # Errors
    /// Fails when the log cannot be read.
    pub async fn call(&self, call: CallId) -> Result<Versioned<Call>, CommandError> {
        self.state(call.0).await
    }

    /// The cached state of a file.
    ///
    /// # Errors
    /// Fails when the log cannot be read.
    pub async fn file(&self, file: FileId) -> Result<Versioned<File>, CommandError> {
        self.state(file.0).await
    }

    /// The cached state of a friendship.
    ///
    /// # Errors
    /// Fails when the log cannot be read.
    pub async fn friendship_of(&self, a: UserId, b: UserId) -> Result<Versioned<Friendship>, CommandError> {
        self.state(PairId::of(a, b).0).await
    }

    /// True if `session` is a session of `user` that has not ended.
    ///
    /// # Errors
    /// Fails when the log cannot be read.
    pub async fn session_is_live(&self, session: SessionId, user: UserId) -> Result<bool, CommandError> {
        let known = self.state::<Session>(session.0).await?.state;
        Ok(known.is_live(user) && self.user(user).await?.state.keeps(session, known.sign_outs()))
    }

    /// True while medium commands are held back for high ones; signals should then be shed.
    #[must_use]
    pub fn is_pressed(&self) -> bool {
        self.medium_admission().is_pressed()
    }

    async fn state<A: Cached>(&self, id: Uuid) -> Result<Versioned<A>, CommandError> {
        let (known, _) = self.states().load(self.store(), id, Freshness::Cached).await?;
        Ok(known)
    }

    /// The log that commands append to.
    #[must_use]
    pub fn store(&self) -> &EventStore {
        &self.shared.store
    }

    pub(crate) fn states(&self) -> &States {
        &self.shared.states
    }

    pub(crate) fn stream_locks(&self) -> &StreamLocks {
        &self.shared.stream_locks
    }

    pub(crate) fn marks(&self) -> &Coalescing {
        &self.shared.marks
    }

    pub(crate) fn overload(&self) -> &Overload {
        &self.shared.overload
    }

    pub(crate) fn medium_admission(&self) -> &MediumAdmission {
        &self.shared.medium
    }

    pub(crate) fn high_admission(&self) -> &HighAdmission {
        &self.shared.high
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.shared.passwords
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.shared.throttle
    }

    pub(crate) fn issued_tokens(&self) -> &Cache<[u8; 32], UserId> {
        &self.shared.issued_tokens
    }

    pub(crate) fn recent_messages(&self) -> &RecentMessages {
        &self.shared.recent_messages
    }

    pub(crate) fn settings(&self) -> &CommandSettings {
        &self.shared.settings
    }

    /// The context of a command that the system issues.
    pub(crate) fn system_context(&self, key: Option<String>) -> Context {
        Context { actor: None, key, correlation_id: self.new_id(), causation_id: None }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.shared.settings.clock)()
    }

    /// A new id (UUID v7).
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        (self.shared.settings.ids)()
    }
}
