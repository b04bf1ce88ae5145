//! Replaces the live tables and checkpoints by a shadow's, in one transaction.

use super::{Build, Shadow};
use crate::{
    Error, Projection,
    checkpoint::{self, Checkpoint, Checkpoints},
};
use sql::{Database, Limits, Location, Transaction, query};
use std::time::Duration;

/// The lock timeout of an attempt, after which readers behind it get through: less than Postgres' deadlock timeout.
const LOCK_TIMEOUT: &str = "500ms";
/// The number of attempts.
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(200);
/// The most that the clock of an erasure may differ from the database's, cached keys included.
const MARGIN_MS: i64 = 3_600_000;

/// Swaps the tables of some projections. The workers wait while the shadow catches up with them, so that the live read
/// models never go back. A worker then finds its checkpoints overtaken and loads them again.
pub(super) async fn swap(live: &Location, shadow: &Shadow, build: &Build) -> Result<(), Error> {
    let mut attempts = 0;
    loop {
        // Whether the last attempt committed is unknown; if it did, the shadow is gone.
        if attempts > 0 && !is_there(live, shadow).await {
            return Ok(());
        }
        attempts += 1;
        // A connection per attempt: SQLite keeps an attached file until the connection closes.
        let live = Database::connect_for(live, 1, Limits::BULK).await?;
        let swapped = try_swap(&live, shadow, build).await;
        live.close().await;
        match swapped {
            Err(Error::Sql(error)) if attempts < ATTEMPTS && error.is_temporary() => {
                tracing::debug!(%error, attempts, "The live tables are in use; trying again");
                tokio::time::sleep(PAUSE).await;
            }
            swapped => return swapped,
        }
    }
}

async fn is_there(live: &Location, shadow: &Shadow) -> bool {
    let Ok(live) = Database::connect(live, 1).await else { return true };
    let is_there = shadow.is_there(&live).await.unwrap_or(true);
    live.close().await;
    is_there
}

async fn try_swap(live: &Database, shadow: &Shadow, build: &Build) -> Result<(), Error> {
    let mut tx = checkpoint::begin_alone(live).await?;
    let mut next = checkpoint::read(&mut tx).await?;
    next.retain(|(projection, _), _| build.projections.contains(projection));
    build.run(&next).await?;
    let built = checkpoint::checkpoints(&shadow.database).await?;
    for (key, checkpoint) in &built {
        let number = next.get(key).map_or(0, |live| live.number) + 1;
        next.insert(*key, Checkpoint { number, marks: checkpoint.marks });
    }
    shadow.attach(&mut tx).await?;
    if matches!(tx, Transaction::Postgres(_)) {
        tx.execute(query("SELECT set_config('lock_timeout', $1, true)").bind(LOCK_TIMEOUT)).await?;
    }
    for projection in &build.projections {
        move_projection(&mut tx, shadow, *projection, &next).await?;
    }
    // The shadow may have read content of a person erased after it was created, or while their key was cached.
    let since = shadow.made_at(&mut tx).await?.saturating_sub(MARGIN_MS);
    tx.execute(query("UPDATE erasures SET passes = 0 WHERE erased_at >= $1").bind(since)).await?;
    shadow.drop_with(&mut tx).await?;
    Ok(tx.commit().await?)
}

async fn move_projection(
    tx: &mut Transaction,
    shadow: &Shadow,
    projection: Projection,
    checkpoints: &Checkpoints,
) -> Result<(), Error> {
    for table in projection.tables().iter().map(|table| table.name) {
        let new = shadow.table(table);
        let statements = match tx {
            Transaction::Postgres(_) => {
                let schema = tx.fetch_optional(query("SELECT current_schema()::TEXT AS name")).await?;
                let schema: String = schema.ok_or(Error::Sql(sqlx::Error::RowNotFound.into()))?.get("name")?;
                [format!("DROP TABLE {table}"), format!("ALTER TABLE {new} SET SCHEMA {schema}")]
            }
            Transaction::Sqlite(..) => {
                [format!("DELETE FROM main.{table}"), format!("INSERT INTO main.{table} SELECT * FROM {new}")]
            }
        };
        for statement in statements {
            tx.execute(query(statement)).await?;
        }
    }
    checkpoint::replace(tx, projection, checkpoints).await?;
    let columns = crate::parked::COLUMNS;
    let parked = shadow.table("parked");
    let sql = format!("INSERT INTO parked ({columns}) SELECT {columns} FROM {parked} WHERE projection = $1");
    tx.execute(query(sql).bind(projection.name())).await?;
    Ok(())
}
