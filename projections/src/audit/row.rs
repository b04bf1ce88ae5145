//! The rows of the index, and the running values along them.

use domain::Timestamp;
use event_store::{Position, Record};
use sql::{Transaction, Value, query};

/// The columns, in the order of [`Running::row`].
pub(super) const COLUMNS: &str = "position, recorded_at, latest_at, widest, actor, event_type, aggregate_type, \
    aggregate_id, scope, correlation_id, causation_id";

/// The running values: the position, and the spread of times so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// The last position.
    pub position: Position,
    /// The latest time of any row so far.
    pub latest_at: Timestamp,
    /// The most that a row so far lies behind the latest time before it, in milliseconds.
    pub widest: i64,
}

impl Running {
    /// The values of the newest row.
    pub(super) async fn newest(tx: &mut Transaction) -> Result<Self, sql::Error> {
        let sql = "SELECT position, latest_at, widest FROM audit_events ORDER BY position DESC LIMIT 1";
        let row = tx.fetch_optional(query(sql)).await?;
        let Some(row) = row else { return Ok(Self::default()) };
        let latest_at = Timestamp::from_millis(row.get("latest_at")?);
        Ok(Self { position: row.unsigned("position")?, latest_at, widest: row.get("widest")? })
    }

    /// Advances to the next event and returns its row.
    pub(super) fn row(&mut self, record: &Record) -> Vec<Value> {
        self.position = record.position;
        self.latest_at = self.latest_at.max(record.recorded_at);
        self.widest = self.widest.max(self.latest_at.millis() - record.recorded_at.millis());
        let origin = &record.origin;
        vec![
            record.position.into(),
            record.recorded_at.millis().into(),
            self.latest_at.millis().into(),
            self.widest.into(),
            origin.actor.into(),
            record.event_type.as_str().into(),
            record.aggregate_type.as_str().into(),
            record.aggregate_id.into(),
            record.scope.into(),
            origin.correlation_id.into(),
            origin.causation_id.into(),
        ]
    }
}
