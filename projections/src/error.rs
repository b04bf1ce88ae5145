//! What can go wrong on the read side.

use domain::{Partition, Timestamp};
use event_store::{OpenError, ReadError};
use std::collections::BTreeSet;

/// Why an event could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The read models refused it, or are away.
    #[error(transparent)]
    Sql(#[from] sql::Error),
    /// A value has no JSON form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The event cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl ApplyError {
    /// Whether the same event may go through later. Otherwise the event is poisonous.
    ///
    /// Tables that are not as this build knows them are no event's fault: a forgotten migration must hold the lanes
    /// up until it is made, not park whatever comes.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Sql(error) => error.is_temporary() || is_about_tables(error),
            Self::Open(OpenError::Read(ReadError::Unavailable(_))) => true,
            Self::Open(_) | Self::Json(_) => false,
        }
    }
}

/// Postgres: class 42, such as an undefined table. SQLite: its generic error, which is what it says then.
fn is_about_tables(error: &sql::Error) -> bool {
    let sql::Error::Sqlx(sqlx::Error::Database(error)) = error else { return false };
    error.code().is_some_and(|code| code == "1" || (code.len() == 5 && code.starts_with("42")))
}

/// Why the read side stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The read models are away or refused a statement.
    #[error(transparent)]
    Sql(#[from] sql::Error),
    /// The log is away or damaged.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event could not be applied for now.
    #[error(transparent)]
    Apply(ApplyError),
    /// Somebody else has moved the checkpoints on: load them again.
    #[error("the checkpoints were moved by somebody else")]
    Overtaken,
    /// Somebody else holds rows of these partitions; the others go on without them.
    #[error("rows of {} partitions are held by somebody else", .0.len())]
    Blocked(BTreeSet<Partition>),
    /// There is no such parked event at the head of a stream.
    #[error("there is no such parked event, or another of its stream comes before it")]
    NotParked,
    /// Another process does the same work, which one at a time may do.
    #[error("{what} is under way{}", since.map(|since| format!(" since {since}")).unwrap_or_default())]
    UnderWay {
        /// The work.
        what: &'static str,
        /// Since when, as far as that is known.
        since: Option<Timestamp>,
    },
    /// The work was told to stop; what is done is kept.
    #[error("stopped before the end")]
    Stopped,
    /// A part of the work ended without an answer.
    #[error("a part of the work died: {0}")]
    Died(String),
}

impl Error {
    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Sql(error) => error.is_temporary(),
            Self::Apply(error) => error.is_temporary(),
            Self::Read(ReadError::Unavailable(_)) | Self::Blocked(_) => true,
            _ => false,
        }
    }

    /// Whether somebody else held a lock for too long.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        match self {
            Self::Sql(error) | Self::Apply(ApplyError::Sql(error)) => error.is_lock_timeout(),
            _ => false,
        }
    }
}
