//! Copies of whole tables to files and back: by SQLite itself, and by Postgres' `COPY` in its text format, which every
//! version reads.

use crate::{Database, Error, Limits, Transaction};
use futures_util::TryStreamExt as _;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use std::{
    io::{self, Read},
    path::Path,
    time::Duration,
};
use tokio::time::timeout;

/// How long a server may be silent within a copy.
const SILENCE: Duration = Duration::from_secs(60);
/// How much is sent at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// Copies a SQLite file as it is at this moment to a new file, compacted. Others read and write it meanwhile; its write-ahead
/// log grows until the copy is complete. The copy is not synced.
///
/// # Errors
/// When the file cannot be read, the copy exists or cannot be written, or takes longer than [`Limits::COPY`].
pub async fn copy_sqlite(from: &Path, to: &Path) -> Result<(), Error> {
    let wrong = || Error::Location(format!("{} is not a name in UTF-8", to.display()));
    let name = to.to_str().ok_or_else(wrong)?.to_owned();
    let copied = async {
        let options = SqliteConnectOptions::new().filename(from).busy_timeout(SILENCE);
        let mut connection = options.connect().await?;
        let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(&mut connection).await;
        connection.close().await?;
        copied.map(drop)
    };
    let within = Limits::COPY.answer();
    Ok(timeout(within, copied).await.map_err(|_| Error::Unanswered(within))??)
}

impl Database {
    /// Begins a read-only transaction over one snapshot, for [`Transaction::copy_out`]. Its server waits for a client that is
    /// slow to write.
    ///
    /// # Errors
    /// When no connection is available in time.
    pub async fn begin_copy(&self) -> Result<Transaction, Error> {
        let mut tx = self.begin_read().await?;
        if matches!(tx, Transaction::Postgres(_)) {
            tx.execute(crate::query("SET LOCAL tcp_user_timeout = 0")).await?;
            tx.set_limits(Limits::COPY).await?;
        }
        Ok(tx)
    }
}

impl Transaction {
    /// Passes the rows of a table to `sink`, as `COPY … TO STDOUT` has them.
    ///
    /// # Errors
    /// On SQLite, when the server refuses or is silent, or `sink` fails. The transaction is of no use then.
    pub async fn copy_out(
        &mut self,
        table: &str,
        columns: &[String],
        mut sink: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Error> {
        let Self::Postgres(held) = self else { return Err(only_postgres()) };
        let statement = format!("COPY {} ({}) TO STDOUT", quoted(table), list(columns));
        let (connection, _) = held.begin()?;
        let mut rows = timeout(SILENCE, connection.copy_out_raw(&statement)).await.map_err(|_| silent())??;
        while let Some(chunk) = timeout(SILENCE, rows.try_next()).await.map_err(|_| silent())?? {
            sink(&chunk).map_err(sqlx::Error::Io)?;
        }
        drop(rows);
        held.settle(Ok(Ok(())))
    }

    /// Adds the rows that `source` has, in the format of [`Transaction::copy_out`]. Returns their number.
    ///
    /// # Errors
    /// On SQLite, when the server refuses or is silent, or `source` fails. The transaction is of no use then.
    pub async fn copy_in(&mut self, table: &str, columns: &[String], mut source: impl Read) -> Result<u64, Error> {
        let Self::Postgres(held) = self else { return Err(only_postgres()) };
        let statement = format!("COPY {} ({}) FROM STDIN", quoted(table), list(columns));
        let (connection, _) = held.begin()?;
        let mut copy = timeout(SILENCE, connection.copy_in_raw(&statement)).await.map_err(|_| silent())??;
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = source.read(&mut chunk).map_err(sqlx::Error::Io)?;
            if length == 0 {
                break;
            }
            timeout(SILENCE, copy.send(&chunk[..length])).await.map_err(|_| silent())??;
        }
        // The server checks the rows and their indexes as they come; the end is quick.
        let rows = timeout(SILENCE, copy.finish()).await.map_err(|_| silent())??;
        held.settle(Ok(Ok(rows)))
    }
}

fn silent() -> Error {
    Error::Unanswered(SILENCE)
}

fn only_postgres() -> Error {
    Error::Location("SQLite copies whole files".to_owned())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn list(columns: &[String]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Durability, Location, query};

    #[test]
    fn names_are_quoted() {
        assert_eq!(list(&["a".to_owned(), "b\"c".to_owned()]), "\"a\", \"b\"\"c\"");
    }

    #[tokio::test]
    async fn a_file_is_copied_as_it_is_while_it_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| Location::Sqlite { path: folder.path().join(name), durability: Durability::Full };
        let database = Database::connect(&place("log.db"), 1).await.unwrap();
        database.execute(query("CREATE TABLE things (id INTEGER)")).await.unwrap();
        database.execute(query("INSERT INTO things VALUES (1), (2)")).await.unwrap();
        let copy = folder.path().join("copy.db");
        copy_sqlite(&folder.path().join("log.db"), &copy).await.unwrap();
        database.execute(query("INSERT INTO things VALUES (3)")).await.unwrap();
        let count = |database: Database| async move {
            let row = database.fetch_optional(query("SELECT COUNT(*) AS count FROM things")).await.unwrap();
            row.unwrap().get::<i64>("count").unwrap()
        };
        assert_eq!(count(Database::connect(&place("copy.db"), 1).await.unwrap()).await, 2);
        assert_eq!(count(database).await, 3);
        assert!(copy_sqlite(&folder.path().join("log.db"), &copy).await.is_err(), "it overwrites nothing");
        assert!(copy_sqlite(&folder.path().join("none.db"), &folder.path().join("none")).await.is_err());
    }
}
