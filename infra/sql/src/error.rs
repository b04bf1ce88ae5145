//! Failures of statements and of the schema.

use metrics::counter;
use std::time::Duration;

/// A failed statement.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine, the connection or a value.
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
    /// A migration failed.
    #[error("the schema could not be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The location does not name a database.
    #[error("{0}")]
    Location(String),
    /// The tables do not match this build.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The engine did not answer in time. Whether a write was executed is unknown then; a transaction was not committed, unless
    /// this was its commit.
    #[error("the database did not answer within {0:?}")]
    Unanswered(Duration),
    /// The transaction's connection was lost, or a statement in it timed out.
    #[error("the transaction was lost")]
    Lost,
    /// The lock file of an owner of a SQLite database cannot be used.
    #[error("the lock file of this process cannot be used: {0}")]
    OwnerLock(std::io::Error),
}

/// Why a build cannot use the tables of a location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// There are no tables.
    #[error("there are no tables yet: the server creates them when it starts")]
    Missing,
    /// A migration of this build is pending.
    #[error(
        "the tables are older than this build: migration {0} is pending; start the server of this build to apply it"
    )]
    Older(i64),
    /// A newer build applied a migration that this one does not know.
    #[error(
        "the tables are newer than this build: it does not know migration {0} ({1}); use the build that applied it"
    )]
    Newer(i64, String),
    /// A newer build applied a breaking migration.
    #[error(
        "the tables are newer than this build: it is not compatible with migration {0} ({1}); use the build that applied it"
    )]
    Breaking(i64, String),
}

impl Error {
    /// Whether a unique constraint refused the statement.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sqlx(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// Whether a lock was not acquired in time (`lock_timeout`), because another session held it.
    #[must_use]
    pub fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::Sqlx(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code == "55P03"))
    }

    /// Its kind, as metrics name it: `timeout`, `connection`, `conflict` (a constraint, a serialization failure) or `other`.
    fn kind(&self) -> &'static str {
        let error = match self {
            Self::Unanswered(_) => return "timeout",
            Self::Lost => return "connection",
            Self::Sqlx(error) => error,
            _ => return "other",
        };
        match error {
            sqlx::Error::PoolTimedOut => "timeout",
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => "connection",
            sqlx::Error::Database(error) => match error.code().as_deref() {
                // Of SQLite: busy, locked.
                Some("55P03" | "57014" | "25P03" | "5" | "6") => "timeout",
                Some(code) if code.len() == 5 && (code.starts_with("08") || code.starts_with("57")) => "connection",
                Some(code) if code.len() == 5 && code.starts_with("40") => "conflict",
                _ if error.kind() != sqlx::error::ErrorKind::Other => "conflict",
                _ => "other",
            },
            _ => "other",
        }
    }

    /// Whether the same statement may succeed later: the engine was unavailable, busy or full.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        let error = match self {
            Self::Unanswered(_) | Self::Lost | Self::OwnerLock(_) => return true,
            Self::Sqlx(error) => error,
            Self::Migrate(_) | Self::Location(_) | Self::Schema(_) => return false,
        };
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(error) => {
                error.code().is_some_and(|code| is_temporary_code(&code)) || self.is_of_another_schema()
            }
            _ => false,
        }
    }

    /// Whether a table, column or function of this build does not exist: it was not created yet, or a newer build has removed it.
    /// The command is not at fault, and the statement had no effect.
    #[must_use]
    pub fn is_of_another_schema(&self) -> bool {
        let Self::Sqlx(sqlx::Error::Database(error)) = self else { return false };
        let missing = ["no such table", "no such column", "has no column named"];
        error.code().is_some_and(|code| match &*code {
            // Undefined function, table, column; a plan made before a column changed.
            "42883" | "42P01" | "42703" => true,
            "0A000" => error.message().contains("cached plan"),
            // SQLite has one code for all faults of a statement.
            "1" => missing.iter().any(|missing| error.message().contains(missing)),
            _ => false,
        })
    }
}

/// Counts a failure.
pub(crate) fn counted(error: impl Into<Error>) -> Error {
    let error = error.into();
    counter!("chatchit_sql_errors_total", "kind" => error.kind()).increment(1);
    error
}

/// Postgres: connection (08), resources (53), operator (57), system (58), serialization (40), read-only (25006), lock timeout
/// (55P03), idle timeouts of transactions and sessions (25P03, 25P04, 57P05).
/// SQLite: busy (5), locked (6), full (13), I/O (10), read-only (8), each with its extended codes.
fn is_temporary_code(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "53", "57", "58", "40"].iter().any(|class| code.starts_with(class))
            || ["25006", "55P03", "25P03", "25P04"].contains(&code);
    }
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13))
}
