//! Connections to a SQLite file: one that writes, several that read.

use crate::{Durability, Error, Limits, error::counted, give_way, limits::ACQUIRE};
use sqlx::{
    Connection as _, Sqlite, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{fs::File, os::unix::fs::OpenOptionsExt as _, path::Path};
use tokio::time::timeout;

/// The pools of a file.
pub(crate) struct Pools {
    /// Connections that only read.
    pub(crate) read: SqlitePool,
    /// The one connection that writes.
    pub(crate) write: SqlitePool,
}

impl Pools {
    /// Opens the file, which is created if it does not exist.
    pub(crate) async fn open(path: &Path, durability: Durability, connections: u32) -> Result<Self, Error> {
        let synchronous = match durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Normal => SqliteSynchronous::Normal,
        };
        make_private(path);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .foreign_keys(true)
            .busy_timeout(ACQUIRE)
            .statement_cache_capacity(256)
            .pragma("cache_size", "-16000")
            // A checkpoint every 40 MB instead of 4: each one syncs the file, and writers wait for it.
            .pragma("wal_autocheckpoint", "10000")
            .pragma("temp_store", "memory");
        let pool = |connections| {
            let options = SqlitePoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE);
            // SQLite itself rolls back when the disk is full; sqlx's own rollback fails then, and it believes the
            // transaction to be open for ever. A connection that is refused here is closed, and another opened.
            options.before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        };
        let write = pool(1).connect_with(options.clone()).await?;
        let reading = pool(connections).after_connect(move |connection, _| {
            Box::pin(async move {
                match durability {
                    Durability::Full => Ok(()),
                    // No command waits for these reads: commands read the log.
                    Durability::Normal => lower_priority(connection).await,
                }
            })
        });
        let read = reading.connect_with(options.pragma("query_only", "on")).await?;
        Ok(Self { read, write })
    }
}

/// Begins a transaction that holds the write lock. In a task of its own: sqlx would leave it open if the wait were cancelled
/// after `BEGIN` and before its check, and nobody could write any more. Nobody waits for it then, and it rolls back.
pub(crate) async fn begin_to_write(pool: &SqlitePool) -> Result<sqlx::Transaction<'static, Sqlite>, sqlx::Error> {
    let pool = pool.clone();
    let beginning = tokio::spawn(async move { pool.begin_with("BEGIN IMMEDIATE").await });
    beginning.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

/// Waits for SQLite, connection and write lock included, at most as long as a connection and a statement may take. A
/// statement that was given up goes on until it ends; its connection is free then.
pub(crate) async fn in_time<T>(
    limits: Limits,
    result: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Error> {
    let within = ACQUIRE + limits.answer();
    timeout(within, result).await.map_err(|_| counted(Error::Unanswered(within)))?.map_err(counted)
}

/// Creates the file with mode 0600 if it does not exist, and removes the rights of group and others if it does. SQLite
/// creates `-wal` and `-shm` with the mode of the file; existing ones have the mode that the file had then.
fn make_private(path: &Path) {
    // SQLite reports errors of the path. An existing file must not be opened here: closing it would release the locks that
    // SQLite holds on it in this process.
    let _ = File::options().write(true).create_new(true).mode(0o600).open(path);
    // SQLite follows links: its other files are beside the target.
    let Ok(file) = path.canonicalize() else { return };
    for ending in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        private_files::tighten(Path::new(&name));
    }
}

/// Lowers the priority of the connection's thread. sqlx gives no access to that thread except in SQLite's callbacks.
async fn lower_priority(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(1, || {
        give_way();
        true
    });
    drop(handle);
    sqlx::query("SELECT 1").execute(&mut *connection).await?;
    connection.lock_handle().await?.remove_progress_handler();
    Ok(())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::{Database, Location};
    use std::{fs, os::unix::fs::PermissionsExt as _};

    #[tokio::test]
    async fn only_its_owner_can_read_a_database_file_and_the_files_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(folder.path().join("log.db"), &link).unwrap();
        for path in [folder.path().join("log.db"), link] {
            let place = Location::Sqlite { path, durability: Durability::Full };
            let one = Database::connect(&place, 1).await.unwrap();
            one.execute(crate::query("CREATE TABLE IF NOT EXISTS things (id INTEGER)")).await.unwrap();
            let modes = || {
                let modes = ["log.db", "log.db-wal", "log.db-shm"].map(|name| fs::metadata(folder.path().join(name)));
                modes.map(|file| file.unwrap().permissions().mode() & 0o777)
            };
            assert_eq!(modes(), [0o600; 3]);
            for name in ["log.db", "log.db-wal", "log.db-shm"] {
                fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o644)).unwrap();
            }
            // While the first connection is open.
            let two = Database::connect(&place, 1).await.unwrap();
            assert_eq!(modes(), [0o600; 3]);
            for database in [two, one] {
                database.execute(crate::query("INSERT INTO things VALUES (1)")).await.unwrap();
                database.close().await;
            }
        }
    }

    /// The `nice` values of this process's SQLite threads.
    fn priorities() -> Vec<i64> {
        let threads = fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok);
        let stats = threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
        let of_sqlite = stats.filter(|stat| stat.contains("(sqlx-sqlite"));
        // The 19th field; the 17th of those after the name in brackets.
        of_sqlite.map(|stat| stat.rsplit(") ").next().unwrap().split(' ').nth(16).unwrap().parse().unwrap()).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_closed_database_is_one_file() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..200 {
            let path = folder.path().join(format!("{number}.db"));
            let place = Location::Sqlite { path: path.clone(), durability: Durability::Normal };
            let database = Database::connect(&place, 1).await.unwrap();
            database.execute(crate::query("CREATE TABLE things (id INTEGER)")).await.unwrap();
            database.close().await;
            assert!(!path.with_extension("db-wal").exists(), "{number}");
        }
    }

    #[tokio::test]
    async fn only_readers_of_rebuildable_files_have_a_lower_priority() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str, durability| Location::Sqlite { path: folder.path().join(name), durability };
        let log = Database::connect(&place("log.db", Durability::Full), 1).await.unwrap();
        assert!(priorities().iter().all(|nice| *nice == 0));
        let read = Database::connect(&place("read.db", Durability::Normal), 1).await.unwrap();
        let gave_way = priorities().into_iter().filter(|nice| *nice > 0).count();
        assert_eq!(gave_way, 1, "the one connection that reads");
        for database in [log, read] {
            let one = database.fetch_optional(crate::query("SELECT 1 AS one")).await.unwrap();
            assert_eq!(one.unwrap().get::<i64>("one").unwrap(), 1);
        }
    }
}
