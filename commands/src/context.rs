//! Who commands, and what they get back.

use domain::{SessionId, UserId};
use event_store::{Position, Receipt};
use std::sync::Arc;
use uuid::Uuid;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The user.
    pub user: UserId,
    /// The device they are signed in with; `None` for the system acting for them.
    pub session: Option<SessionId>,
}

/// What surrounds a command.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who acts; `None` for those who are nobody yet (registration, sign-in) and for the system.
    pub actor: Option<Actor>,
    /// The caller's idempotency key; one is made when there is none.
    pub key: Option<String>,
    /// The request, for the audit trail.
    pub correlation_id: Uuid,
    /// The position of the event that caused this command (reactors).
    pub causation_id: Option<Position>,
}

/// What a command achieved.
#[derive(Clone, Debug)]
pub struct Done<A> {
    /// What was stored. For a repeated command: what was stored the first time.
    pub receipt: Receipt,
    /// The id of the aggregate it was about.
    pub id: Uuid,
    /// The aggregate's state right after.
    pub state: Arc<A>,
}
