//! The two engines an append runs on. Each commits a batch in one transaction and gives every command a verdict.

mod append_batch;
mod outcome;
mod postgres;
mod sqlite;

use crate::prepare::Prepared;

pub(crate) use append_batch::install;
pub(crate) use outcome::{Fault, Outcome, Verdict};
pub(crate) use postgres::PostgresAppender;
pub(crate) use sqlite::SqliteAppender;

/// Commits batches; owned by the writer task.
pub(crate) enum Appender {
    Sqlite(SqliteAppender),
    Postgres(Box<PostgresAppender>),
}

impl Appender {
    /// Commits those commands of `batch` that can be.
    pub(crate) async fn run(&mut self, batch: &[&Prepared]) -> Result<Outcome, Fault> {
        match self {
            Self::Sqlite(appender) => appender.run(batch).await,
            Self::Postgres(appender) => appender.run(batch).await,
        }
    }
}
