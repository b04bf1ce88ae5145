//! A request: an operation's caller, key and socket.

use crate::App;
use axum::http::StatusCode;
use commands::{Actor, Context};
use domain::{AggregateType, ConversationId};
use event_store::{Receipt, StreamId};
use limits::{Kind, beyond_one};
use protocol::Problem;
use realtime::{Caller, hub::Watcher};
use std::sync::atomic::AtomicI64;
use uuid::Uuid;

/// The longest idempotency key, in bytes.
pub const LONGEST_KEY: usize = 255;

/// The socket that a request came through.
pub struct SocketContext<'a> {
    /// Sets the people whose presence it receives.
    pub watcher: &'a Watcher,
    /// When the latest of its tokens expires, in milliseconds.
    pub good_until: &'a AtomicI64,
}

/// How often the answer of a command waits as long as a read does: it cannot be asked for again.
const WAITS: usize = 3;

/// One request of a caller.
pub struct Request<'a> {
    /// What it runs on.
    pub app: &'a App,
    /// Who asks.
    pub caller: &'a Caller,
    key: Option<String>,
    socket: Option<SocketContext<'a>>,
}

impl<'a> Request<'a> {
    /// A request with the idempotency key that came with it.
    ///
    /// # Errors
    /// `invalid_idempotency_key`.
    pub fn new(app: &'a App, caller: &'a Caller, key: Option<String>) -> Result<Self, Problem> {
        check_key(key.as_deref())?;
        Ok(Self { app, caller, key, socket: None })
    }

    /// Notes the socket.
    pub fn through(self, socket: SocketContext<'a>) -> Self {
        Self { socket: Some(socket), ..self }
    }

    /// The socket that it came through.
    ///
    /// # Errors
    /// When it came over REST.
    pub fn socket(&self) -> Result<&SocketContext<'a>, Problem> {
        self.socket.as_ref().ok_or_else(|| Problem::internal("a command of sockets came through none"))
    }

    /// Charges the caller's budget for a command on `people` people. One of them was charged when it was admitted.
    ///
    /// # Errors
    /// 429 `rate_limited`.
    pub(super) async fn pay_for_people(&self, kind: Kind, people: usize) -> Result<(), Problem> {
        self.app.limits.charge(kind, self.caller.ip, Some(self.caller.user), beyond_one(people)).await
    }

    /// What its events say about it.
    #[must_use]
    pub fn context(&self) -> Context {
        let Caller { user, session, correlation_id, .. } = *self.caller;
        let actor = Some(Actor { user, session: Some(session) });
        Context { actor, key: self.key.clone(), correlation_id, causation_id: None }
    }

    /// That what is named is in the conversation that is named beside it, if one is. What is elsewhere is not there.
    pub(super) async fn is_in(
        &self,
        aggregate: AggregateType,
        id: Uuid,
        conversation: Option<ConversationId>,
    ) -> Result<(), Problem> {
        let Some(conversation) = conversation else { return Ok(()) };
        match self.app.store.scope_of(StreamId::new(aggregate, id)).await? {
            Some(scope) if scope != conversation.0 => Err(Problem::not_found()),
            _ => Ok(()),
        }
    }

    /// Waits until the read models show the command's events, three times as long as a read waits. False if they do not. A
    /// command that changed nothing rests on events that this node has received.
    pub(super) async fn is_shown(&self, receipt: &Receipt) -> bool {
        let position = receipt.position.unwrap_or_else(|| self.app.received());
        for _ in 0..WAITS {
            if self.app.shows(position, receipt.scope).await {
                return true;
            }
        }
        false
    }
}

/// An idempotency key is 1 to 255 visible characters.
///
/// # Errors
/// `invalid_idempotency_key`.
pub fn check_key(key: Option<&str>) -> Result<(), Problem> {
    let good = |key: &str| (1..=LONGEST_KEY).contains(&key.len()) && !key.chars().any(char::is_control);
    if key.is_none_or(good) {
        return Ok(());
    }
    Err(invalid_key(format!("an idempotency key is 1 to {LONGEST_KEY} bytes without control characters")))
}

/// A key that no request may have.
#[must_use]
pub fn invalid_key(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key", detail)
}
