//! The append of one command: its events, and all that is checked or changed together with them.

use crate::{Origin, Position, StreamId};
use domain::{Event, Tier};
use uuid::Uuid;

/// One command's append, which is atomic and has a verdict of its own.
#[derive(Clone, Debug)]
pub struct Append {
    /// The actor, and the chain of effects.
    pub origin: Origin,
    /// The command's idempotency key (I3).
    pub key: CommandKey,
    /// The keyed hash of the request ([`EventStore::request_hash`](crate::EventStore::request_hash)): a key with another
    /// request is a conflict.
    pub request_hash: [u8; 32],
    /// How long the key is kept.
    pub retention: Retention,
    /// The urgency: the intake serves high first.
    pub tier: Tier,
    /// Stream versions on which the permission depends (I9).
    pub guards: Vec<Guard>,
    /// Names to take or release (I10).
    pub claims: Vec<Claim>,
    /// Secret rows to write.
    pub secrets: Vec<Secret>,
    /// The events, in order; empty for a command without effect.
    pub events: Vec<NewEvent>,
}

/// An idempotency key, unique per owner: the actor's id as text; for anonymous calls, the route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommandKey {
    /// The actor's id, or the route.
    pub owner: String,
    /// The key, unique within `owner`.
    pub key: String,
}

/// How long a key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// At least seven days.
    Week,
    /// Without end: a message's `guid`.
    Forever,
}

/// A stream that must still be at a version (0: without events).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The stream.
    pub stream: StreamId,
    /// Its last sequence when the command was decided.
    pub version: u64,
}

/// A unique name, taken or released in the append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The kind of name.
    pub kind: ClaimKind,
    /// The keyed hash of the name ([`EventStore::claim_hash`](crate::EventStore::claim_hash)).
    pub hash: [u8; 32],
    /// Whether it is taken or released.
    pub change: ClaimChange,
    /// The owner of the name.
    pub owner: Uuid,
}

/// The kinds of unique names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimKind {
    /// An e-mail address.
    Email,
    /// The right to the one-time bootstrap token: the owner is the first administrator. Never released.
    Bootstrap,
    /// The only call of a conversation at a time: the name is the conversation, the owner the call.
    ActiveCall,
    /// The code of an invite; the owner is the conversation.
    Invite,
    /// The only open report of a person about a target: the name is both, the owner the report.
    OpenReport,
    /// A target that was ever reported: the name and the owner are the target's. Never released.
    Reported,
}

impl ClaimKind {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Bootstrap => "bootstrap",
            Self::ActiveCall => "active_call",
            Self::Invite => "invite",
            Self::OpenReport => "open_report",
            Self::Reported => "reported",
        }
    }
}

/// A change of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimChange {
    /// The name must be free, and becomes the owner's.
    Take,
    /// The name becomes free.
    Release,
}

/// A secret row, written in the same transaction; secrets are never in an event (I10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// Creates the subject's data key; without effect if there is one. Written with an account's first event.
    DataKey {
        /// The person whose values it seals.
        subject: Uuid,
    },
    /// Sets the password of an account.
    Password {
        /// The account.
        user: Uuid,
        /// Argon2id, in PHC string form.
        phc: String,
    },
    /// Sets the current refresh token of a session.
    RefreshToken {
        /// The session.
        session: Uuid,
        /// Its user.
        user: Uuid,
        /// SHA-256 of the token.
        hash: [u8; 32],
        /// SHA-256 of the token it replaces, which must be the current one, or the append fails with
        /// [`AppendError::TokenReplaced`]. `None` for the first.
        replaces: Option<[u8; 32]>,
        /// When it expires, in milliseconds since the epoch.
        expires_at: i64,
    },
    /// Erases a person: destroys their data key, and removes their password and refresh tokens. Values sealed with the key
    /// cannot be opened, and none can be sealed for them again. The hash chain stays valid.
    Forget {
        /// The person.
        subject: Uuid,
    },
}

impl Secret {
    /// The person it erases.
    pub(crate) const fn forgotten(&self) -> Option<Uuid> {
        match self {
            Self::Forget { subject } => Some(*subject),
            Self::DataKey { .. } | Self::Password { .. } | Self::RefreshToken { .. } => None,
        }
    }
}

/// One event to append.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its stream.
    pub stream: StreamId,
    /// Its sequence: the version at the decision + 1, + 2 …
    pub sequence: u64,
    /// The event, with personal values in the clear. The store seals them.
    pub event: Event,
}

/// The result of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The position of the last event; `None` when there is none.
    pub position: Option<Position>,
    /// The sequence of that event in its stream; 0 when there is none.
    pub version: u64,
    /// The scope_seq of that event; 0 when there is none.
    pub seq: u64,
    /// The stream of that event.
    pub stream: Option<StreamId>,
    /// The scope of its events; `None` when there is none, or they are of several. After a repeated key, that of the last.
    pub scope: Option<Uuid>,
    /// When that event was recorded, in milliseconds since the epoch; 0 when there is none.
    pub recorded_at: i64,
    /// Whether the key was repeated, and this is its first result: no event was appended now.
    pub repeated: bool,
}

/// A failed append. Nothing of it is stored, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A guard or an expected sequence is stale: load and decide again.
    #[error("{0} has moved on")]
    Stale(StreamId),
    /// The key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// A name is taken.
    #[error("this {} is taken", .0.as_str())]
    ClaimTaken(ClaimKind),
    /// The refresh token was replaced concurrently.
    #[error("this refresh token was replaced")]
    TokenReplaced,
    /// A person whose values it contains was erased: no value can be sealed for them.
    #[error("{0} was forgotten")]
    Forgotten(Uuid),
    /// The intake is full; try again later.
    #[error("the writer is overloaded")]
    Overloaded,
    /// The store is unavailable, and whether the append was committed is unknown. Repeating it with the same key is safe.
    #[error("the event store is unavailable: {0}")]
    Unavailable(String),
    /// A bug: an event that cannot be serialised, a subject without a key.
    #[error("{0}")]
    Broken(String),
}
