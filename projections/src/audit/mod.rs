//! The audit index: a row per event of the log, in position order, for administrators' queries.
//!
//! An insert-only table keyed by position, so that it may take the events of all aggregates (I13). It is not a
//! [`Projection`](crate::Projection): it needs every event, in position order, so a singleton job fills it beside the
//! lanes, without delaying them. It is dense, so its newest row is its checkpoint.

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

/// Its name in the tools.
pub const NAME: &str = "audit";
/// Raise it whenever the same events would give other rows; the index is then rebuilt.
const VERSION: i64 = 1;
/// The most rows examined for one page.
const SCAN: u32 = 5_000;
/// The pause between looks while a caller waits.
const POLL: Duration = Duration::from_millis(20);

/// The index in one database. Clones share the connections.
#[derive(Clone, Debug)]
pub struct AuditIndex {
    database: Database,
    /// The most rows examined for one page.
    scan: u32,
}

impl AuditIndex {
    /// The index beside these read models.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database, scan: SCAN }
    }

    /// The same index, examining at most `scan` rows for one page.
    #[must_use]
    pub fn scanning(self, scan: u32) -> Self {
        Self { scan, ..self }
    }

    /// The read models beside the index.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// The position up to which the index has all events; 0 if it is of another log or version.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn indexed_to(&self, store: &EventStore) -> Result<Position, sql::Error> {
        let sql = "SELECT incarnation, version, (SELECT MAX(position) FROM audit_events) AS newest FROM audit_source";
        let Some(row) = self.database.fetch_optional(query(sql)).await? else { return Ok(0) };
        let is_ours = row.get::<Uuid>("incarnation")? == store.incarnation() && row.get::<i64>("version")? == VERSION;
        let newest = row.get::<Option<i64>>("newest")?.and_then(|position| Position::try_from(position).ok());
        Ok(newest.filter(|_| is_ours).unwrap_or_default())
    }

    /// Waits until the index has reached `position`, at most for `patience`. Returns the position reached.
    ///
    /// # Errors
    /// If the read models are unavailable.
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
            sleep(POLL).await;
        }
    }

    /// Indexes at most `limit` further events of the log, and returns the new state. Of two concurrent callers, one
    /// fails on the other's rows.
    ///
    /// # Errors
    /// If the log or the read models are unavailable.
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

    /// The state from which to continue. Empties the index first if it is of another log or version, or of a future
    /// that this log no longer has.
    ///
    /// # Errors
    /// If the log or the read models are unavailable.
    pub async fn begin(&self, store: &EventStore) -> Result<Running, Error> {
        let head = store.head().await?.position;
        // Read-only, so that continuing waits for no other transaction.
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
            tracing::warn!(index.position = newest.position, "The audit index belongs to another log and is rebuilt");
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

/// Whether the index is of this log and version.
async fn is_of(tx: &mut Transaction, store: &EventStore) -> Result<bool, sql::Error> {
    let row = tx.fetch_optional(query("SELECT incarnation, version FROM audit_source")).await?;
    let Some(row) = row else { return Ok(false) };
    Ok(row.get::<Uuid>("incarnation")? == store.incarnation() && row.get::<i64>("version")? == VERSION)
}

/// Records that the index is of this log.
async fn claim(tx: &mut Transaction, store: &EventStore) -> Result<(), sql::Error> {
    tx.execute(query("DELETE FROM audit_source")).await?;
    let claim = query("INSERT INTO audit_source (incarnation, version) VALUES ($1, $2)");
    tx.execute(claim.bind(store.incarnation()).bind(VERSION)).await?;
    Ok(())
}
