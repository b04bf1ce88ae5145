//! The lock of an owner, by which other processes notice its death without a clock.
//!
//! A process holds a lock under its own key for its lifetime. On SQLite it is a file beside the database, which the system
//! unlocks when the process ends; on Postgres a session's advisory lock, which the server releases with the connection. A lease
//! whose owner's lock is free is invalid. A host that froze or lost its network may keep its lock: then its leases expire.

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
/// The longest wait of [`OwnerLock::keep`].
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
    /// A session, if connected, and whether it has the lock.
    Session { database: Database, session: Option<PgConnection>, has_lock: bool },
}

impl Database {
    /// Takes the lock of an owner; `key` is unique and never used again.
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
    /// When the lock cannot be checked.
    pub async fn is_owner_dead(&self, tx: &mut Transaction, key: i64) -> Result<bool, Error> {
        match self {
            Self::Sqlite { path, .. } => match is_free(&file_of(path, key)) {
                Ok(free) => Ok(free),
                Err(error) => Err(Error::OwnerLock(error)),
            },
            // Shared, and for this transaction only, so that several processes can check at once.
            Self::Postgres { .. } => {
                let asked = query("SELECT pg_try_advisory_xact_lock_shared($1) AS is_free").bind(key);
                tx.fetch_optional(asked).await?.map_or(Ok(false), |row| row.get("is_free"))
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

    /// Checks that the lock is still held, and takes it again after its session was lost. To be called every second or two.
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
            // Without an error it may be held by an earlier session of this process, whose end the server has not noticed.
            Ok(kept) => kept,
            Err(_) => Err(Error::Unanswered(PATIENCE)),
        }
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        if let Arm::File { path, .. } = &self.arm {
            // A file left behind is harmless: it is not locked.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn file_of(database: &Path, key: i64) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!(".owner-{key:016x}"));
    name.into()
}

/// Whether the lock of this file is free; that of a missing file is.
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

/// Removes the files of dead owners, if possible.
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
