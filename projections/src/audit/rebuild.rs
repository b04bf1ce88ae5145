//! Rebuilds the index from the log in a shadow, then swaps it in.

use super::{AuditIndex, claim};
use crate::{Error, checkpoint, rebuild::Shadow};
use event_store::{EventStore, Position};
use sql::{Database, Limits, Location, Transaction, query};
use tokio_util::sync::CancellationToken;

const BATCH: u32 = 1_000;

/// Fills a shadow of the index from the log and, with `swap`, replaces the live index, which may be filled meanwhile.
/// When cancelled, it leaves the live index unchanged; the next call continues. Returns the position reached.
///
/// # Errors
/// [`Error::Stopped`], or if the log or the read models are unavailable.
pub async fn rebuild(
    store: &EventStore,
    live: &Location,
    swap: bool,
    token: &CancellationToken,
    report: &(dyn Fn(u64) + Send + Sync),
) -> Result<Position, Error> {
    let shadow = Shadow::open(live, super::NAME, 2).await?;
    match fill_and_swap(store, live, &shadow, swap, token, report).await {
        Ok(position) if swap => shadow.discard().await.map(|()| position),
        filled => {
            shadow.keep().await;
            filled
        }
    }
}

async fn fill_and_swap(
    store: &EventStore,
    live: &Location,
    shadow: &Shadow,
    swap: bool,
    token: &CancellationToken,
    report: &(dyn Fn(u64) + Send + Sync),
) -> Result<Position, Error> {
    let position = fill(store, shadow, token, report).await?;
    if !swap {
        return Ok(position);
    }
    let live = Database::connect_for(live, 1, Limits::BULK).await?;
    let swapped = swap_in(store, &live, shadow, token).await;
    live.close().await;
    swapped
}

async fn fill(
    store: &EventStore,
    shadow: &Shadow,
    token: &CancellationToken,
    report: &(dyn Fn(u64) + Send + Sync),
) -> Result<Position, Error> {
    let index = AuditIndex::new(shadow.database.clone());
    let mut at = index.begin(store).await?;
    loop {
        if token.is_cancelled() {
            return Err(Error::Stopped);
        }
        let next = index.advance(store, at, BATCH).await?;
        report(next.position);
        if next == at {
            return Ok(at.position);
        }
        at = next;
    }
}

/// The job that fills the live index waits meanwhile, and continues after the last row.
async fn swap_in(
    store: &EventStore,
    live: &Database,
    shadow: &Shadow,
    token: &CancellationToken,
) -> Result<Position, Error> {
    let mut tx = checkpoint::begin_alone(live).await?;
    let position = fill(store, shadow, token, &|_| ()).await?;
    shadow.attach(&mut tx).await?;
    let new = shadow.table("audit_events");
    let statements = match tx {
        Transaction::Postgres(_) => {
            let schema = tx.fetch_optional(query("SELECT current_schema()::TEXT AS name")).await?;
            let schema: String = schema.ok_or(Error::Sql(sqlx::Error::RowNotFound.into()))?.get("name")?;
            ["DROP TABLE audit_events".to_owned(), format!("ALTER TABLE {new} SET SCHEMA {schema}")]
        }
        Transaction::Sqlite(..) => [
            "DELETE FROM main.audit_events".to_owned(),
            format!("INSERT INTO main.audit_events SELECT * FROM {new} ORDER BY position"),
        ],
    };
    for statement in statements {
        tx.execute(query(statement)).await?;
    }
    claim(&mut tx, store).await?;
    shadow.drop_with(&mut tx).await?;
    tx.commit().await?;
    Ok(position)
}
