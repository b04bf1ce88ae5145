//! The first checkpoints of projections, and the emptying of tables before them.

use super::{Checkpoint, found::Found, gate::begin_alone, replace};
use crate::{Error, Projection};
use domain::Partition;
use event_store::EventStore;
use sql::{Database, Engine, Transaction, query};
use std::time::Duration;

/// The lock timeout for tables to be emptied, and the number of attempts; waiters behind get through in between.
const LOCK_TIMEOUT: &str = "500ms";
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(200);
/// Rows removed per transaction.
const PORTION: u32 = 5_000;

/// Creates the first checkpoints of projections without one of the present version, after emptying their tables. Also
/// empties read models of another log, or of a future that this log no longer has. Leaves a newer build's projections
/// alone.
pub(crate) async fn ensure(database: &Database, store: &EventStore, projections: &[Projection]) -> Result<(), Error> {
    let mut tx = database.begin_read().await?;
    let found = Found::read_usable(&mut tx, store).await?;
    drop(tx);
    if !projections.iter().any(|projection| found.lacks(*projection)) {
        return Ok(());
    }
    if found.is_foreign {
        tracing::warn!("The read models belong to another log and are rebuilt");
    }
    empty_slow_tables(database, store).await?;
    let mut attempts = 0;
    loop {
        attempts += 1;
        match reset(database, store, projections).await {
            Err(Error::Sql(error)) if attempts < ATTEMPTS && error.is_lock_timeout() => {
                tracing::debug!(%error, attempts, "Tables to be emptied are in use; trying again");
                tokio::time::sleep(PAUSE).await;
            }
            begun => return begun,
        }
    }
}

async fn reset(database: &Database, store: &EventStore, projections: &[Projection]) -> Result<(), Error> {
    let mut tx = begin_alone(database).await?;
    if matches!(tx, Transaction::Postgres(_)) {
        tx.execute(query("SELECT set_config('lock_timeout', $1, true)").bind(LOCK_TIMEOUT)).await?;
    }
    let found = Found::read_usable(&mut tx, store).await?;
    for projection in Projection::ALL.into_iter().filter(|projection| found.lacks(*projection)) {
        for table in projection.tables() {
            let empty = match tx {
                Transaction::Postgres(_) => "TRUNCATE",
                Transaction::Sqlite(..) => "DELETE FROM",
            };
            tx.execute(query(format!("{empty} {}", table.name))).await?;
        }
        let wanted = if projections.contains(&projection) { store.partitions() } else { 0 };
        let first = |partition| ((projection, Partition(partition)), Checkpoint::default());
        replace(&mut tx, projection, &(0..wanted).map(first).collect()).await?;
    }
    if found.is_foreign {
        // The audit index is not of this log either; its job rebuilds it.
        for table in ["applied", "audit_source"] {
            tx.execute(query(format!("DELETE FROM {table}"))).await?;
        }
    }
    tx.execute(query("DELETE FROM source")).await?;
    tx.execute(query("INSERT INTO source (incarnation) VALUES ($1)").bind(store.incarnation())).await?;
    Ok(tx.commit().await?)
}

/// Empties tables with triggers in portions. SQLite truncates other tables at once; a long transaction would block its
/// writers. Skips a projection that another process has begun meanwhile.
pub(crate) async fn empty_slow_tables(database: &Database, store: &EventStore) -> Result<(), Error> {
    if database.engine() != Engine::Sqlite {
        return Ok(());
    }
    for projection in Projection::ALL {
        for table in projection.tables() {
            let triggers = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND tbl_name = $1 LIMIT 1";
            if database.fetch_optional(query(triggers).bind(table.name)).await?.is_some() {
                while remove_portion(database, store, projection, table.name).await? > 0 {}
            }
        }
    }
    Ok(())
}

/// Removes some rows of a table whose projection has not begun. Returns how many.
async fn remove_portion(
    database: &Database,
    store: &EventStore,
    projection: Projection,
    table: &str,
) -> Result<u64, Error> {
    let mut tx = begin_alone(database).await?;
    if !Found::read_usable(&mut tx, store).await?.lacks(projection) {
        tx.rollback().await?;
        return Ok(0);
    }
    let some = format!("DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} LIMIT {PORTION})");
    let removed = tx.execute(query(some)).await?;
    tx.commit().await?;
    Ok(removed)
}
