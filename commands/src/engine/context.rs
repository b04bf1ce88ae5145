//! The context and the outcome of a command.

use domain::{SessionId, UserId};
use event_store::{Position, Receipt};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    pub user: UserId,
    /// `None` for the system acting in the user's name.
    pub session: Option<SessionId>,
}

#[derive(Clone, Debug)]
pub struct Context {
    /// `None` before sign-in, and for the system.
    pub actor: Option<Actor>,
    /// The idempotency key; `None` generates one.
    pub key: Option<String>,
    /// Names the request in the audit trail.
    pub correlation_id: Uuid,
    /// The position of the event that a reactor reacts to.
    pub causation_id: Option<Position>,
}

#[derive(Clone, Debug)]
pub struct Done<A> {
    /// For a repeated command: the first receipt.
    pub receipt: Receipt,
    /// The aggregate's id.
    pub id: Uuid,
    /// The aggregate's state after the command.
    pub state: Arc<A>,
}
