//! What is appended: one command's events with all that must hold or change together with them.

use crate::{Origin, Position, StreamId};
use domain::{Event, Tier};
use uuid::Uuid;

/// One command's append. Either all of it happens, or none, with a verdict of its own.
#[derive(Clone, Debug)]
pub struct Append {
    /// Who, and in which chain.
    pub origin: Origin,
    /// The command's idempotency key (I3).
    pub key: CommandKey,
    /// The keyed hash of the request ([`EventStore::request_hash`](crate::EventStore::request_hash)): the same key with
    /// another request is a conflict.
    pub request_hash: [u8; 32],
    /// How long the key is kept.
    pub retention: Retention,
    /// How urgent: the intake serves high first.
    pub tier: Tier,
    /// Stream versions on which the permission rests (I9).
    pub guards: Vec<Guard>,
    /// Names to take or give up (I10).
    pub claims: Vec<Claim>,
    /// Secret rows to write.
    pub secrets: Vec<Secret>,
    /// The events, in order; empty for a command that changed nothing.
    pub events: Vec<NewEvent>,
}

/// An idempotency key, unique per owner: the actor's id as text; for anonymous calls, the route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommandKey {
    /// Whose key.
    pub owner: String,
    /// The key.
    pub key: String,
}

/// How long a key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// At least seven days.
    Week,
    /// For ever: a message's `guid`.
    Forever,
}

/// `stream` must still be at `version` (0: has no event).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Which stream.
    pub stream: StreamId,
    /// Its last sequence as the decision saw it.
    pub version: u64,
}

/// A unique name taken or given up in the append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What kind of name.
    pub kind: ClaimKind,
    /// The keyed hash of the name ([`EventStore::claim_hash`](crate::EventStore::claim_hash)).
    pub hash: [u8; 32],
    /// Taken or given up.
    pub change: ClaimChange,
    /// Whose it is.
    pub owner: Uuid,
}

/// Which names are unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimKind {
    /// An e-mail address.
    Email,
    /// The right to the one-time bootstrap token.
    Bootstrap,
    /// The one call that a conversation has at a time: the name is the conversation, the owner the call.
    ActiveCall,
    /// The code of an invite: the owner is the conversation.
    Invite,
    /// The one report that somebody has open about something: the name is both, the owner the report.
    OpenReport,
    /// That something was ever reported: the name and the owner are the thing's. Never given up.
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

/// What happens to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimChange {
    /// It must be free, and is the owner's from here on.
    Take,
    /// It is free from here on.
    Release,
}

/// A secret row, written in the same transaction; secrets are never in an event (I10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// Makes the subject's data key; a no-op when it has one. Written with an account's first event.
    DataKey {
        /// Whose.
        subject: Uuid,
    },
    /// Sets the password of an account.
    Password {
        /// Whose.
        user: Uuid,
        /// Argon2id, in PHC string form.
        phc: String,
    },
    /// Sets the current refresh token of a session.
    RefreshToken {
        /// Which session.
        session: Uuid,
        /// Whose.
        user: Uuid,
        /// SHA-256 of the token.
        hash: [u8; 32],
        /// SHA-256 of the one it replaces: it must be the current one, or the verdict is
        /// [`AppendError::TokenReplaced`]. `None` for the first.
        replaces: Option<[u8; 32]>,
        /// Until when it is good, in milliseconds since the epoch.
        expires_at: i64,
    },
    /// Forgets a person for good: destroys their data key, so that what it sealed can be read no more and nothing is
    /// sealed for them again, and removes their password and refresh tokens. The hash chain stays whole.
    Forget {
        /// Whom.
        subject: Uuid,
    },
}

impl Secret {
    /// Whom it forgets.
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
    /// Its sequence: the version its decision saw + 1, + 2 …
    pub sequence: u64,
    /// What happened; personal values in the clear. The store seals them.
    pub event: Event,
}

/// The answer to an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The position of its last event; `None` when it had none.
    pub position: Option<Position>,
    /// The sequence of that event in its stream; 0 when there is none.
    pub version: u64,
    /// The scope_seq of that event; 0 when there is none.
    pub seq: u64,
    /// The stream of that event.
    pub stream: Option<StreamId>,
    /// When it was recorded, in milliseconds since the epoch; 0 when there is none.
    pub recorded_at: i64,
    /// Whether this is the first result of a repeated key: nothing was appended now.
    pub repeated: bool,
}

/// Why an append did not happen. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A guard or an expected sequence is stale: load again and decide again.
    #[error("{0} has moved on")]
    Stale(StreamId),
    /// The key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The name is taken.
    #[error("this {} is taken", .0.as_str())]
    ClaimTaken(ClaimKind),
    /// The refresh token was replaced meanwhile.
    #[error("this refresh token was replaced")]
    TokenReplaced,
    /// The person to whom something in it belongs was forgotten: nothing can be sealed for them.
    #[error("{0} was forgotten")]
    Forgotten(Uuid),
    /// The intake is full; come back later.
    #[error("the writer is overloaded")]
    Overloaded,
    /// The store is away, and whether the append happened was asked until the time was up. Repeating it with
    /// the same key is safe.
    #[error("the event store is unavailable: {0}")]
    Unavailable(String),
    /// A fault of ours: an event that does not serialise, a subject without a key.
    #[error("{0}")]
    Broken(String),
}
