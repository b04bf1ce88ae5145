//! The audit index: a row per event of the log, in plain position order, for the questions of administrators.
//!
//! An insert-only table keyed by position, so that it may take the events of all aggregates (I13). It is no
//! [`Projection`](crate::Projection): it needs every event, whatever it says, and one at a time, so one process at a time
//! fills it as a duty, beside the lanes and never in their way. It is dense, so its newest row is its checkpoint.

mod feed;
mod filter;
mod parked;
mod rebuild;
mod row;
mod search;
mod verify;

pub use feed::run;
pub use filter::{AuditFilter, Order};
pub use parked::parked_at;
pub use rebuild::rebuild;
pub use row::Running;
pub use search::AuditPage;
pub use verify::{AuditDifference, verify};

use crate::{Error, checkpoint};
use event_store::{EventStore, Position};
use row::COLUMNS;
use sql::{Database, Transaction, query};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// The name under which the tools know it.
pub const NAME: &str = "audit";
/// Raised whenever the same events would give other rows: the index is then made anew.
const VERSION: i64 = 1;
/// Rows of the index that are looked at for one page.
const SCAN: u32 = 5_000;
/// How often one who waits looks.
const LOOK: Duration = Duration::from_millis(20);

/// The index in one place. Clones share the connections.
#[derive(Clone, Debug)]
pub struct AuditIndex {
    database: Database,
    /// Rows that are looked at for one page.
    scan: u32,
}

impl AuditIndex {
    /// The index that stands beside these read models.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database, scan: SCAN }
    }

    /// The same, looking at fewer rows for one page.
    #[cfg(test)]
    pub(crate) fn scanning(self, scan: u32) -> Self {
        Self { scan, ..self }
    }

    /// The read models that it stands beside.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// How far it has come: all events up to here are in it. 0 when it is not of this log.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn indexed_to(&self, store: &EventStore) -> Result<Position, sql::Error> {
        let sql = "SELECT incarnation, version, (SELECT MAX(position) FROM audit_events) FROM audit_source";
        let Some(row) = self.database.fetch_optional(query(sql)).await? else { return Ok(0) };
        let is_ours = row.get::<Uuid>(0)? == store.incarnation() && row.get::<i64>(1)? == VERSION;
        let newest = row.get::<Option<i64>>(2)?.and_then(|position| Position::try_from(position).ok());
        Ok(newest.filter(|_| is_ours).unwrap_or_default())
    }

    /// Waits until it has come to `position`; answers how far it has come then, or when the time is up.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn wait(
        &self,
        store: &EventStore,
        position: Position,
        patience: Duration,
    ) -> Result<Position, sql::Error> {
        let until = Instant::now() + patience;
        loop {
            let indexed = self.indexed_to(store).await?;
            if indexed >= position || Instant::now() >= until {
                return Ok(indexed);
            }
            sleep(LOOK).await;
        }
    }

    /// Takes at most `limit` further events of the log into the index; answers up to where. Two that do so at once do no
    /// harm: one of them fails on the other's rows.
    ///
    /// # Errors
    /// When log or read models are away.
    pub async fn advance(&self, store: &EventStore, after: Running, limit: u32) -> Result<Running, Error> {
        let events = store.read_after(after.position, &event_store::Selection::All, limit).await?;
        if events.is_empty() {
            return Ok(after);
        }
        let mut running = after;
        let rows = events.iter().map(|event| running.row(&event.record)).collect();
        let mut tx = checkpoint::begin(&self.database).await?;
        if Running::newest(&mut tx).await? != after {
            return Err(Error::Overtaken);
        }
        match tx.insert(&format!("INSERT INTO audit_events ({COLUMNS}) VALUES"), rows, "").await {
            Err(error) if error.is_unique_violation() => return Err(Error::Overtaken),
            inserted => inserted?,
        }
        tx.commit().await?;
        Ok(running)
    }

    /// Where to go on; empties the index first when it is of another log or version, or of a future that this log no
    /// longer has.
    ///
    /// # Errors
    /// When log or read models are away.
    pub async fn begin(&self, store: &EventStore) -> Result<Running, Error> {
        let head = store.head().await?.position;
        // Nobody is kept waiting by one who only goes on.
        let mut tx = self.database.begin_read().await?;
        let newest = Running::newest(&mut tx).await?;
        if is_of(&mut tx, store).await? && newest.position <= head {
            return Ok(newest);
        }
        drop(tx);
        let mut tx = checkpoint::begin_alone(&self.database).await?;
        let newest = Running::newest(&mut tx).await?;
        if is_of(&mut tx, store).await? && newest.position <= head {
            return Ok(newest);
        }
        if newest.position > 0 {
            tracing::warn!(index.position = newest.position, "The audit index is not of this log and is made anew");
        }
        let empty = match tx {
            Transaction::Postgres(_) => "TRUNCATE audit_events",
            Transaction::Sqlite(..) => "DELETE FROM audit_events",
        };
        tx.execute(query(empty)).await?;
        claim(&mut tx, store).await?;
        tx.commit().await?;
        Ok(Running::default())
    }
}

/// Whether the index is of this log, and of this version.
async fn is_of(tx: &mut Transaction, store: &EventStore) -> Result<bool, sql::Error> {
    let row = tx.fetch_optional(query("SELECT incarnation, version FROM audit_source")).await?;
    let Some(row) = row else { return Ok(false) };
    Ok(row.get::<Uuid>(0)? == store.incarnation() && row.get::<i64>(1)? == VERSION)
}

/// Notes that the index is of this log.
async fn claim(tx: &mut Transaction, store: &EventStore) -> Result<(), sql::Error> {
    tx.execute(query("DELETE FROM audit_source")).await?;
    let claim = query("INSERT INTO audit_source (incarnation, version) VALUES ($1, $2)");
    tx.execute(claim.bind(store.incarnation()).bind(VERSION)).await?;
    Ok(())
}
