//! The lock of an owner: what tells others, without any clock, that a process has died.
//!
//! A process holds a lock under a key of its own for as long as it lives: a file beside a SQLite database, which the
//! system unlocks when the process ends; a session's advisory lock on Postgres, which the server lets go when the
//! connection ends. A lease whose owner's lock is free is nobody's. A host that froze, or lost its network, may keep
//! its lock: what it leased is free when the lease expires.

use crate::{Database, Error, Transaction, query};
use sqlx::{Connection, PgConnection};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::timeout;

/// Files left by dead owners are removed when they are older.
const OLD: Duration = Duration::from_secs(60);
/// How long one wait of [`OwnerLock::keep`] takes at most.
const PATIENCE: Duration = Duration::from_secs(2);

/// The lock of an owner, held until it is dropped.
#[derive(Debug)]
pub struct OwnerLock {
    key: i64,
    arm: Arm,
}

#[derive(Debug)]
enum Arm {
    /// A locked file.
    File { _file: File, path: PathBuf },
    /// A session, while there is one, and whether it has the lock.
    Session { database: Database, session: Option<PgConnection>, has_lock: bool },
}

impl Database {
    /// Takes the lock of an owner: `key` is one that no other has or had.
    ///
    /// # Errors
    /// When it cannot be taken.
    pub async fn owner_lock(&self, key: i64) -> Result<OwnerLock, Error> {
        match self {
            Self::Sqlite { path, .. } => {
                sweep(path);
                let path = file_of(path, key);
                let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&path);
                let file = file.map_err(Error::OwnerLock)?;
                file.try_lock().map_err(|error| Error::OwnerLock(error.into()))?;
                Ok(OwnerLock { key, arm: Arm::File { _file: file, path } })
            }
            Self::Postgres { .. } => {
                let mut lock =
                    OwnerLock { key, arm: Arm::Session { database: self.clone(), session: None, has_lock: false } };
                lock.keep().await?;
                Ok(lock)
            }
        }
    }

    /// Whether the owner with this key has died: its lock is free.
    ///
    /// # Errors
    /// When that cannot be asked.
    pub async fn is_owner_gone(&self, tx: &mut Transaction, key: i64) -> Result<bool, Error> {
        match self {
            Self::Sqlite { path, .. } => match is_free(&file_of(path, key)) {
                Ok(free) => Ok(free),
                Err(error) => Err(Error::OwnerLock(error)),
            },
            // Shared, and for this transaction only: whoever asks does not keep another from asking.
            Self::Postgres { .. } => {
                let asked = query("SELECT pg_try_advisory_xact_lock_shared($1)").bind(key);
                tx.fetch_optional(asked).await?.map_or(Ok(false), |row| row.get(0))
            }
        }
    }
}

impl OwnerLock {
    /// Its key.
    #[must_use]
    pub const fn key(&self) -> i64 {
        self.key
    }

    /// Makes sure that it is still held, and takes it again when its session was lost. To be called every second or
    /// two.
    ///
    /// # Errors
    /// When it is not held now.
    pub async fn keep(&mut self) -> Result<(), Error> {
        let Arm::Session { database: Database::Postgres { pool, .. }, session, has_lock } = &mut self.arm else {
            return Ok(());
        };
        let kept = async {
            let mut connection = match session.take() {
                Some(connection) => connection,
                None => {
                    *has_lock = false;
                    pool.connect().await?
                }
            };
            if *has_lock {
                connection.ping().await?;
            } else {
                let sql = "SELECT pg_try_advisory_lock($1)";
                *has_lock = sqlx::query_scalar(sql).bind(self.key).fetch_one(&mut connection).await?;
            }
            *session = Some(connection);
            Ok(())
        };
        match timeout(PATIENCE, kept).await {
            // Not had: an earlier session of this process, which the server has not missed yet, still holds it.
            Ok(kept) => kept,
            Err(_) => Err(Error::Unanswered(PATIENCE)),
        }
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        if let Arm::File { path, .. } = &self.arm {
            // Left behind it does no harm: it is not locked.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn file_of(database: &Path, key: i64) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!(".owner-{key:016x}"));
    name.into()
}

/// Whether nobody holds the lock of this file. One that is not there is locked by nobody.
fn is_free(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        file => file?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes the files of owners that died; what cannot be removed stays.
fn sweep(database: &Path) {
    let (Some(folder), Some(name)) = (database.parent(), database.file_name()) else { return };
    let prefix = format!("{}.owner-", name.to_string_lossy());
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_old = || {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > OLD))
        };
        if entry.file_name().to_string_lossy().starts_with(&prefix)
            && is_old()
            && is_free(&entry.path()).is_ok_and(|free| free)
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
