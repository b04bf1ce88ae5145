//! Compares the index with the log row by row: an event and its predecessors determine its row.

use super::{AuditIndex, COLUMNS, Running, is_of};
use crate::Error;
use event_store::{EventStore, Position, Selection};
use sql::{Row, Value, query};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Rows compared per step.
const PAGE: u32 = 1_000;

/// A difference between the index and the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditDifference {
    /// The index is of another log or version.
    Alien,
    /// The log has the event, and the index lacks its row.
    Missing(Position),
    /// The index has a row without an event.
    Surplus(Position),
    /// A column has another value.
    Column {
        position: Position,
        name: &'static str,
        /// The value according to the log.
        wanted: String,
        /// The value in the index.
        found: String,
    },
}

/// Compares all rows of the index and passes each difference to `found`. Returns the number of rows compared. Events
/// after the index's newest row are not differences.
///
/// # Errors
/// [`Error::Stopped`], or if the log or the read models are unavailable.
pub async fn verify(
    index: &AuditIndex,
    store: &EventStore,
    token: &CancellationToken,
    report: &(dyn Fn(u64) + Send + Sync),
    found: &mut (dyn FnMut(AuditDifference) + Send),
) -> Result<u64, Error> {
    let mut tx = index.database.begin_read().await?;
    let newest = Running::newest(&mut tx).await?.position;
    if newest > 0 && !is_of(&mut tx, store).await? {
        found(AuditDifference::Alien);
        return Ok(0);
    }
    drop(tx);
    let names: Vec<_> = COLUMNS.split(',').map(str::trim).collect();
    let (mut running, mut after, mut rows) = (Running::default(), 0, 0);
    while after < newest {
        if token.is_cancelled() {
            return Err(Error::Stopped);
        }
        let mut events = store.read_after(after, &Selection::All, PAGE).await?;
        events.retain(|event| event.record.position <= newest);
        let through = events.last().map_or(newest, |event| event.record.position);
        let sql =
            format!("SELECT {COLUMNS} FROM audit_events WHERE position > $1 AND position <= $2 ORDER BY position");
        let there = index.database.fetch_all(query(sql).bind(after).bind(through)).await?;
        let mut there = there.iter().peekable();
        for event in &events {
            let (position, wanted) = (event.record.position, running.row(&event.record));
            while let Some(row) = there.next_if(|row| row.unsigned("position").is_ok_and(|at| at < position)) {
                found(AuditDifference::Surplus(row.unsigned("position")?));
            }
            match there.next_if(|row| row.unsigned("position").is_ok_and(|at| at == position)) {
                None => found(AuditDifference::Missing(position)),
                Some(row) => compare(position, &names, &wanted, &values(row)?, found),
            }
            rows += 1;
        }
        for row in there {
            found(AuditDifference::Surplus(row.unsigned("position")?));
        }
        after = through;
        report(after);
    }
    Ok(rows)
}

fn compare(
    position: Position,
    names: &[&'static str],
    wanted: &[Value],
    there: &[Value],
    found: &mut (dyn FnMut(AuditDifference) + Send),
) {
    for ((name, wanted), there) in names.iter().zip(wanted).zip(there) {
        if wanted != there {
            let (wanted, there) = (text_of(wanted), text_of(there));
            found(AuditDifference::Column { position, name, wanted, found: there });
        }
    }
}

fn values(row: &Row) -> Result<Vec<Value>, sql::Error> {
    Ok(vec![
        row.get::<i64>("position")?.into(),
        row.get::<i64>("recorded_at")?.into(),
        row.get::<i64>("latest_at")?.into(),
        row.get::<i64>("widest")?.into(),
        row.get::<Option<Uuid>>("actor")?.into(),
        row.get::<String>("event_type")?.into(),
        row.get::<String>("aggregate_type")?.into(),
        row.get::<Uuid>("aggregate_id")?.into(),
        row.get::<Uuid>("scope")?.into(),
        row.get::<Option<Uuid>>("correlation_id")?.into(),
        row.get::<Option<i64>>("causation_id")?.into(),
    ])
}

fn text_of(value: &Value) -> String {
    let text = match value {
        Value::Int(value) => value.map(|value| value.to_string()),
        Value::Text(value) => value.clone(),
        Value::Uuid(value) => value.map(|value| value.to_string()),
        Value::Bool(value) => value.map(|value| value.to_string()),
        Value::Bytes(value) => value.as_ref().map(|bytes| format!("{} bytes", bytes.len())),
    };
    text.unwrap_or_else(|| "null".to_owned())
}
