//! The ledger: one row per batch; the newest is the head of the log.

use crate::{EventStore, Head, Heads, Position, ReadError};
use sql::{Engine, Query, Row, query};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// How long before it was asked for a head may have been read by another.
const SLACK: Duration = Duration::from_millis(10);

/// A row of the ledger: the head of the log after a batch.
pub type LedgerRow = Head;

impl EventStore {
    /// The newest row of the ledger.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn head(&self) -> Result<Head, ReadError> {
        let newest = self.ledger_query("ORDER BY last_position DESC LIMIT 1");
        let row = self.database().fetch_optional(newest).await?;
        self.ledger_row(&row.ok_or_else(|| ReadError::Damaged("it has no ledger".to_owned()))?)
    }

    /// The newest row of the ledger. Callers at about the same time share one statement.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn shared_head(&self) -> Result<Arc<Head>, ReadError> {
        let asked = Instant::now();
        let mut latest = self.latest_head().lock().await;
        if let Some((read, head)) = &*latest
            && *read + SLACK >= asked
        {
            return Ok(Arc::clone(head));
        }
        let read = Instant::now();
        let head = Arc::new(self.head().await?);
        *latest = Some((read, Arc::clone(&head)));
        Ok(head)
    }

    /// At most `limit` rows of the ledger whose last position is after `after`, in order. The row of the empty log is at
    /// position 0 and so never among them; its chain is [`EventStore::first_chain`].
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn ledger(&self, after: Position, limit: u32) -> Result<Vec<LedgerRow>, ReadError> {
        let rows = self.ledger_query("WHERE last_position > $1 ORDER BY last_position LIMIT $2");
        let rows = self.database().fetch_all(rows.bind(after).bind(limit)).await?;
        rows.iter().map(|row| self.ledger_row(row)).collect()
    }

    fn ledger_query(&self, which: &str) -> Query {
        let heads = match self.database().engine() {
            Engine::Sqlite => "heads",
            Engine::Postgres => "CAST(array_to_json(heads) AS TEXT) AS heads",
        };
        query(format!("SELECT last_position, chain, {heads} FROM ledger {which}"))
    }

    fn ledger_row(&self, row: &Row) -> Result<LedgerRow, ReadError> {
        let position = row.unsigned("last_position")?;
        let damaged = |what: &str| ReadError::Damaged(format!("the {what} of the ledger at {position} are not whole"));
        let lanes = serde_json::from_str(&row.get::<String>("heads")?).map_err(|_| damaged("heads"))?;
        Ok(Head {
            position,
            chain: row.get::<Vec<u8>>("chain")?.try_into().map_err(|_| damaged("bytes of the chain"))?,
            heads: Heads::from_lanes(self.partitions(), lanes).ok_or_else(|| damaged("heads"))?,
        })
    }
}
