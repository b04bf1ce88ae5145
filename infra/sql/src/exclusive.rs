//! Exclusive rights of one process at a time to work on a location. The operating system or the server frees them when the
//! process dies.

use crate::{
    Error, Location,
    postgres::{answer_alone, connect_alone},
};
use sqlx::{Connection as _, PgConnection};
use std::{
    fs::{File, TryLockError},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    time::UNIX_EPOCH,
};

/// The first half of the advisory locks; the second half is that of the location and the work.
const SPACE: i32 = 0x43_48_4C_4B;

/// The exclusive right to a kind of work on a location, until it is dropped or released.
#[derive(Debug)]
pub enum Exclusive {
    /// A locked file beside the database.
    File(File),
    /// A session of the server that holds an advisory lock.
    Session(Box<PgConnection>),
}

/// Another process has the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Since when, in milliseconds since the epoch, if known.
    pub since: Option<i64>,
}

impl Exclusive {
    /// Takes the right to the work `name` on a location, if it is free.
    ///
    /// # Errors
    /// When the location is unavailable.
    pub async fn take(location: &Location, name: &str) -> Result<Result<Self, Taken>, Error> {
        match location {
            Location::Sqlite { path, .. } => {
                let stem = path.file_stem().map_or_else(|| "read".into(), |stem| stem.to_string_lossy());
                let path = path.with_file_name(format!("{stem}-{name}.lock"));
                let mut file = File::options();
                let file = file.create(true).truncate(false).write(true).mode(0o600).open(path);
                let file = file.map_err(sqlx::Error::Io)?;
                Ok(lock(file).map_err(sqlx::Error::Io)?)
            }
            Location::Postgres { url, schema } => {
                lock_session(connect_alone(url).await?, &format!("{schema}:{name}")).await
            }
        }
    }

    /// Releases it, and waits until other processes can take it.
    pub async fn release(self) {
        match self {
            Self::File(file) => drop(file),
            Self::Session(connection) => {
                if let Err(error) = answer_alone(connection.close()).await {
                    tracing::debug!(%error, "Failed to close the connection of a lock, which ends with it");
                }
            }
        }
    }
}

fn lock(mut file: File) -> io::Result<Result<Exclusive, Taken>> {
    match file.try_lock() {
        Ok(()) => {
            // The time of the last change is the time of the lock.
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id())?;
            Ok(Ok(Exclusive::File(file)))
        }
        Err(TryLockError::WouldBlock) => {
            let since = file.metadata()?.modified()?.duration_since(UNIX_EPOCH).ok();
            Ok(Err(Taken { since: since.and_then(|since| i64::try_from(since.as_millis()).ok()) }))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

async fn lock_session(mut connection: PgConnection, name: &str) -> Result<Result<Exclusive, Taken>, Error> {
    let sql = "SELECT pg_try_advisory_lock($1, hashtext($2))";
    if answer_alone(sqlx::query_scalar(sql).bind(SPACE).bind(name).fetch_one(&mut connection)).await? {
        return Ok(Ok(Exclusive::Session(Box::new(connection))));
    }
    let sql = "SELECT (extract(epoch FROM a.backend_start) * 1000)::bigint
        FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND a.datname = current_database()
            AND l.classid::bigint = $1::bigint AND l.objid::bigint = hashtext($2)::bigint & 4294967295
        LIMIT 1";
    let since = answer_alone(sqlx::query_scalar(sql).bind(SPACE).bind(name).fetch_optional(&mut connection)).await?;
    answer_alone(connection.close()).await?;
    Ok(Err(Taken { since: since.flatten() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Durability;

    #[tokio::test]
    async fn one_process_at_a_time_has_the_right() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite { path: folder.path().join("read.db"), durability: Durability::Normal };
        let first = Exclusive::take(&location, "rebuild").await.unwrap().unwrap();
        let taken = Exclusive::take(&location, "rebuild").await.unwrap().unwrap_err();
        assert!(taken.since.is_some());
        let other = Exclusive::take(&location, "verify").await.unwrap().unwrap();
        drop(other);
        first.release().await;
        Exclusive::take(&location, "rebuild").await.unwrap().unwrap();
    }
}
