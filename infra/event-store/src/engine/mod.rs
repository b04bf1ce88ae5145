//! The two engines an append runs on. Each commits a batch in one transaction and gives every command a verdict.

mod postgres;
mod sqlite;

use crate::{ClaimKind, Heads, Position, StreamId, prepare::Prepared};
use uuid::Uuid;

pub(crate) use postgres::{PostgresAppender, install};
pub(crate) use sqlite::SqliteAppender;

/// Commits batches; owned by the writer task.
pub(crate) enum Appender {
    Sqlite(SqliteAppender),
    Postgres(Box<PostgresAppender>),
}

/// What came of a batch that was committed.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The last position before the batch.
    pub(crate) position: Position,
    /// The heads before the batch.
    pub(crate) heads: Heads,
    /// One for each command.
    pub(crate) verdicts: Vec<Verdict>,
    /// One for each event of the commands appended, in order; their positions follow on `position`.
    pub(crate) scope_seqs: Vec<u64>,
}

/// What came of one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Appended,
    Repeated(Option<Position>),
    KeyReused,
    Stale(StreamId),
    ClaimTaken(ClaimKind),
    TokenReplaced,
    /// Somebody made the subject's data key first: what was sealed with another must be sealed again.
    HasDataKey,
    /// Something in it was sealed for somebody who was forgotten.
    Forgotten(Uuid),
}

/// Why a batch has no outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The engine is away or busy, and whether the batch was committed is unknown. Running it again with the same
    /// keys tells.
    #[error("{0}")]
    Away(sql::Error),
    /// The engine refuses the batch for good, and nothing of it is stored.
    #[error("{0}")]
    Refused(sql::Error),
}

impl From<sql::Error> for Fault {
    fn from(error: sql::Error) -> Self {
        if error.is_temporary() { Self::Away(error) } else { Self::Refused(error) }
    }
}

impl Appender {
    /// Commits what can be of `batch`.
    pub(crate) async fn run(&mut self, batch: &[&Prepared]) -> Result<Outcome, Fault> {
        match self {
            Self::Sqlite(appender) => appender.run(batch).await,
            Self::Postgres(appender) => appender.run(batch).await,
        }
    }
}

/// What must not be in a log that is not damaged.
pub(crate) fn damaged(what: &str) -> sql::Error {
    sql::Error::Sqlx(sqlx::Error::Decode(format!("the log is damaged: {what}").into()))
}
