//! One way to speak SQL to both engines, so that one text serves both wherever the dialects allow.
//!
//! A [`Database`] is a set of tables in one place: a SQLite file, or a schema of a Postgres database. The same
//! statements run on another place by opening another `Database`: so a shadow copy needs no other SQL.
//! Placeholders are `$1, $2, …` on both. Times are stored as milliseconds (`BIGINT`), ids as `UUID` (a 16-byte
//! blob in SQLite).

mod database;
mod exclusive;
mod limits;
mod owner;
mod postgres;
mod query;
mod schema;
mod transaction;

pub use database::{Database, Durability, Engine, Location};
pub use exclusive::{Exclusive, Taken};
pub use limits::Limits;
pub use owner::OwnerLock;
pub use postgres::{Connections, postgres_options};
pub use query::{Column, Query, Row, Value, placeholders, query};
pub use schema::{Schema, SchemaError};
pub use sqlx::migrate::Migrator;
pub use transaction::Transaction;

use std::time::Duration;

/// What went wrong with a statement.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine, the connection or a value.
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the schema could not be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The location does not name a database.
    #[error("{0}")]
    Location(String),
    /// The tables are not those of this build.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The engine did not answer in time. Whether a statement that writes happened is then unknown; a transaction did
    /// not, unless it was its commit.
    #[error("the database did not answer within {0:?}")]
    Unanswered(Duration),
    /// The transaction's connection was lost earlier, or a statement in it was given up.
    #[error("the transaction was lost")]
    Lost,
    /// A file that says who works on a SQLite database cannot be used.
    #[error("the lock of an owner cannot be used: {0}")]
    OwnerLock(std::io::Error),
}

impl Error {
    /// Whether a unique constraint refused the statement.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sqlx(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// Whether a lock was not to be had in time (`lock_timeout`): somebody else stands in the way.
    #[must_use]
    pub fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::Sqlx(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code == "55P03"))
    }

    /// Whether the same statement may succeed later: the engine was away, busy or full.
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

    /// Whether a table, column or function that this build asks for is not there: it was not made yet, or a newer build
    /// has moved on. No command's fault, and nothing of the statement happened.
    #[must_use]
    pub fn is_of_another_schema(&self) -> bool {
        let Self::Sqlx(sqlx::Error::Database(error)) = self else { return false };
        let missing = ["no such table", "no such column", "has no column named"];
        error.code().is_some_and(|code| match &*code {
            // Undefined function, table, column; a plan made before a column changed.
            "42883" | "42P01" | "42703" => true,
            "0A000" => error.message().contains("cached plan"),
            // SQLite has one code for all that is wrong with a statement.
            "1" => missing.iter().any(|missing| error.message().contains(missing)),
            _ => false,
        })
    }
}

/// Postgres: connection (08), resources (53), operator (57), system (58), serialization (40), read-only (25006), no lock
/// in time (55P03), a transaction or session that idled for too long (25P03, 25P04, 57P05).
/// SQLite: busy (5), locked (6), full (13), I/O (10), read-only (8), each with its extended codes.
fn is_temporary_code(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "53", "57", "58", "40"].iter().any(|class| code.starts_with(class))
            || ["25006", "55P03", "25P03", "25P04"].contains(&code);
    }
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13))
}
