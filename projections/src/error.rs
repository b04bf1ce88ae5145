//! Errors of the read side.

use domain::{Partition, Timestamp};
use event_store::{OpenError, ReadError};
use std::collections::BTreeSet;

/// Why an event could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The read models are unavailable or rejected a statement.
    #[error(transparent)]
    Sql(#[from] sql::Error),
    /// A value cannot be serialized as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The event cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl ApplyError {
    /// Whether the same event may be applied later. Otherwise the event is parked.
    ///
    /// Unexpected tables are not the event's fault: a forgotten migration must hold up the lanes, not park every event.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Sql(error) => error.is_temporary() || is_about_tables(error),
            Self::Open(OpenError::Read(ReadError::Unavailable(_))) => true,
            Self::Open(_) | Self::Json(_) => false,
        }
    }
}

/// Postgres: class 42, such as an undefined table. SQLite: its generic error code.
fn is_about_tables(error: &sql::Error) -> bool {
    let sql::Error::Sqlx(sqlx::Error::Database(error)) = error else { return false };
    error.code().is_some_and(|code| code == "1" || (code.len() == 5 && code.starts_with("42")))
}

/// Why work on the read side stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The read models are unavailable or rejected a statement.
    #[error(transparent)]
    Sql(#[from] sql::Error),
    /// The log is unavailable or damaged.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event could not be applied for now.
    #[error(transparent)]
    Apply(ApplyError),
    /// Another worker has moved the checkpoints: load them again.
    #[error("another worker moved the checkpoints")]
    Overtaken,
    /// Another session holds rows of these partitions; the other partitions go on.
    #[error("another session holds rows of {} partitions", .0.len())]
    Blocked(BTreeSet<Partition>),
    /// The event is not parked, or is not the first parked event of its stream.
    #[error("there is no such parked event, or another of its stream comes before it")]
    NotParked,
    /// Another process does this work, which allows one at a time.
    #[error("{what} is under way{}", since.map(|since| format!(" since {since}")).unwrap_or_default())]
    UnderWay {
        what: &'static str,
        /// The start of the other process's work, if known.
        since: Option<Timestamp>,
    },
    /// The work was cancelled; completed parts are kept.
    #[error("cancelled before the end")]
    Stopped,
    /// A task of the work panicked.
    #[error("a task of the work panicked: {0}")]
    Died(String),
}

impl Error {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Sql(error) => error.is_temporary(),
            Self::Apply(error) => error.is_temporary(),
            Self::Read(ReadError::Unavailable(_)) | Self::Blocked(_) => true,
            _ => false,
        }
    }

    /// Whether a lock was not granted in time.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        match self {
            Self::Sql(error) | Self::Apply(ApplyError::Sql(error)) => error.is_lock_timeout(),
            _ => false,
        }
    }
}
