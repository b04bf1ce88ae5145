//! The outcome of a batch: a verdict for each of its commands.

use crate::{ClaimKind, Heads, Position, StreamId};
use uuid::Uuid;

/// The outcome of a committed batch.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The last position before the batch.
    pub(crate) position: Position,
    /// The heads before the batch.
    pub(crate) heads: Heads,
    /// One per command.
    pub(crate) verdicts: Vec<Verdict>,
    /// One per event of the appended commands, in order; their positions follow on `position`.
    pub(crate) scope_seqs: Vec<u64>,
}

/// The outcome of one command. Of several that apply, the first in this order counts, `Appended` last: both engines check in
/// this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// With the position of the first result's last event.
    Repeated(Option<Position>),
    KeyReused,
    Stale(StreamId),
    ClaimTaken(ClaimKind),
    TokenReplaced,
    /// Another command created the subject's data key first: values sealed with a different key must be sealed again.
    HasDataKey,
    /// A value was sealed for a person who has been erased.
    Forgotten(Uuid),
    Appended,
}

impl Verdict {
    /// Its name in metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Repeated(_) => "repeated",
            Self::KeyReused => "key_reused",
            Self::Stale(_) => "stale",
            Self::ClaimTaken(_) => "claim_taken",
            Self::TokenReplaced => "token_replaced",
            Self::HasDataKey => "has_data_key",
            Self::Forgotten(_) => "forgotten",
            Self::Appended => "appended",
        }
    }
}

/// Why a batch has no outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The engine is unavailable or busy, and whether the batch was committed is unknown. Running it again with the same
    /// keys finds out.
    #[error("{0}")]
    Unavailable(sql::Error),
    /// The engine refuses the batch permanently; nothing of it is stored.
    #[error("{0}")]
    Refused(sql::Error),
}

impl From<sql::Error> for Fault {
    fn from(error: sql::Error) -> Self {
        if error.is_temporary() { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}

/// The log contains a value that only damage explains.
pub(crate) fn damaged(what: &str) -> sql::Error {
    sql::Error::Sqlx(sqlx::Error::Decode(format!("the log is damaged: {what}").into()))
}
