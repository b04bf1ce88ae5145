//! The write side as a whole: its settings, what its use cases share, and the states it answers questions from.

use crate::{
    CommandError, PasswordCost,
    admission::Admission,
    call::record_of,
    coalescing::Coalescing,
    password::Passwords,
    spam::Lately,
    state::{Cached, Freshness, States, Versioned},
    throttle::Throttle,
    turns::Turns,
};
use domain::{
    CallId, ConversationId, FileId, MessageId, SessionId, Timestamp, UserId, call::Call, conversation::Conversation,
    file::File, friendship::Friendship, id::PairId, message::Message, session::Session, user::User,
};
use event_store::{EventStore, RecordedEvent};
use std::sync::Arc;
use uuid::Uuid;

/// What the write side takes from its surroundings.
#[derive(Clone, Copy, Debug)]
pub struct CommandSettings {
    /// The clock by which tokens expire.
    pub clock: fn() -> Timestamp,
    /// Makes ids (UUID v7).
    pub ids: fn() -> Uuid,
    /// What hashing a password costs.
    pub password_cost: PasswordCost,
    /// How long a refresh token is good, in milliseconds.
    pub refresh_ttl_ms: i64,
    /// Whether wrong passwords are throttled and spam is filtered.
    pub limits: bool,
    /// How long a replaced refresh token still works, for a client that lost the answer, in milliseconds.
    pub refresh_grace_ms: i64,
}

/// The write side: one method per use case, each in a file of its own. Clones share it.
#[derive(Clone)]
pub struct Commands {
    shared: Arc<Shared>,
}

struct Shared {
    store: EventStore,
    settings: CommandSettings,
    states: States,
    turns: Turns,
    marks: Coalescing,
    admission: Admission,
    passwords: Passwords,
    throttle: Throttle,
    lately: Lately,
}

impl Commands {
    /// The write side over a log.
    #[must_use]
    pub fn new(store: EventStore, settings: CommandSettings) -> Self {
        let passwords = Passwords::new(settings.password_cost);
        let (states, turns, admission) = (States::new(), Turns::default(), Admission::new());
        let (marks, throttle, lately) =
            (Coalescing::new(), Throttle::new(settings.limits), Lately::new(settings.limits));
        let shared = Shared { store, settings, states, turns, marks, admission, passwords, throttle, lately };
        Self { shared: Arc::new(shared) }
    }

    /// Hears of an event that somebody committed: a cached state that it makes stale is read on from when it is asked
    /// for again. Missing one costs a retry, never a wrong decision.
    pub fn observe(&self, event: &RecordedEvent) {
        self.shared.states.observe(event);
        if event.record.event_type == "account.erased" {
            self.forget(UserId(event.record.aggregate_id));
        }
    }

    /// Drops what is remembered of somebody who was erased: their data key, and what they wrote.
    pub(crate) fn forget(&self, user: UserId) {
        self.store().forget(user.0);
        self.states().forget(user);
    }

    /// The account `user`, as this process knows it now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn user(&self, user: UserId) -> Result<Versioned<User>, CommandError> {
        self.state(user.0).await
    }

    /// The conversation, as this process knows it now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn conversation(&self, conversation: ConversationId) -> Result<Versioned<Conversation>, CommandError> {
        self.state(conversation.0).await
    }

    /// The message, as this process knows it now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn message(&self, message: MessageId) -> Result<Versioned<Message>, CommandError> {
        self.state(message.0).await
    }

    /// The call, as this process knows it now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn call(&self, call: CallId) -> Result<Versioned<Call>, CommandError> {
        self.state(call.0).await
    }

    /// The id of the message that records `call` in its conversation once it is over.
    #[must_use]
    pub fn call_record(&self, call: CallId) -> MessageId {
        record_of(self.store(), call)
    }

    /// The file, as this process knows it now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn file(&self, file: FileId) -> Result<Versioned<File>, CommandError> {
        self.state(file.0).await
    }

    /// How two people stand, as this process knows it now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn friendship_of(&self, a: UserId, b: UserId) -> Result<Versioned<Friendship>, CommandError> {
        self.state(PairId::of(a, b).0).await
    }

    /// Whether `session` is a session of `user` that has not ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn session_is_live(&self, session: SessionId, user: UserId) -> Result<bool, CommandError> {
        let known = self.state::<Session>(session.0).await?.state;
        Ok(known.is_live(user) && self.user(user).await?.state.keeps(session, known.sign_outs()))
    }

    /// Whether medium commands are held back for high ones, so that whatever may be shed should be.
    #[must_use]
    pub fn is_pressed(&self) -> bool {
        self.admission().is_pressed()
    }

    async fn state<A: Cached>(&self, id: Uuid) -> Result<Versioned<A>, CommandError> {
        let (known, _) = self.states().load(self.store(), id, Freshness::Cached).await?;
        Ok(known)
    }

    pub(crate) fn store(&self) -> &EventStore {
        &self.shared.store
    }

    pub(crate) fn states(&self) -> &States {
        &self.shared.states
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.shared.turns
    }

    pub(crate) fn marks(&self) -> &Coalescing {
        &self.shared.marks
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.shared.admission
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.shared.passwords
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.shared.throttle
    }

    pub(crate) fn lately(&self) -> &Lately {
        &self.shared.lately
    }

    pub(crate) fn settings(&self) -> &CommandSettings {
        &self.shared.settings
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.shared.settings.clock)()
    }

    pub(crate) fn new_id(&self) -> Uuid {
        (self.shared.settings.ids)()
    }
}
