//! Compares the index with the log, row by row: what a row must be follows from the event and those before it.

use super::{AuditIndex, COLUMNS, Running, is_of};
use crate::Error;
use event_store::{EventStore, Position, Selection};
use sql::{Row, Value, query};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Rows compared at once.
const PAGE: u32 = 1_000;

/// A row that is not what the log says it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditDifference {
    /// The whole index is of another log, or made by another version.
    Alien,
    /// The log calls for it, and it is not there.
    Missing(Position),
    /// It is there, and the log does not call for it.
    Surplus(Position),
    /// A column has another value.
    Column {
        /// Which row.
        position: Position,
        /// Which column.
        name: &'static str,
        /// What the log calls for.
        wanted: String,
        /// What is there.
        found: String,
    },
}

/// Compares all that the index has, and hands each difference to `found`; answers how many rows were compared. What the
/// log has beyond is none: the index is on its way there.
///
/// # Errors
/// [`Error::Stopped`], or when log or read models are away.
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
            while let Some(row) = there.next_if(|row| row.unsigned(0).is_ok_and(|at| at < position)) {
                found(AuditDifference::Surplus(row.unsigned(0)?));
            }
            match there.next_if(|row| row.unsigned(0).is_ok_and(|at| at == position)) {
                None => found(AuditDifference::Missing(position)),
                Some(row) => compare(position, &names, &wanted, &values(row)?, found),
            }
            rows += 1;
        }
        for row in there {
            found(AuditDifference::Surplus(row.unsigned(0)?));
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
            let (wanted, there) = (told(wanted), told(there));
            found(AuditDifference::Column { position, name, wanted, found: there });
        }
    }
}

fn values(row: &Row) -> Result<Vec<Value>, sql::Error> {
    Ok(vec![
        row.get::<i64>(0)?.into(),
        row.get::<i64>(1)?.into(),
        row.get::<i64>(2)?.into(),
        row.get::<i64>(3)?.into(),
        row.get::<Option<Uuid>>(4)?.into(),
        row.get::<String>(5)?.into(),
        row.get::<String>(6)?.into(),
        row.get::<Uuid>(7)?.into(),
        row.get::<Uuid>(8)?.into(),
        row.get::<Option<Uuid>>(9)?.into(),
        row.get::<Option<i64>>(10)?.into(),
    ])
}

fn told(value: &Value) -> String {
    let text = match value {
        Value::Int(value) => value.map(|value| value.to_string()),
        Value::Text(value) => value.clone(),
        Value::Uuid(value) => value.map(|value| value.to_string()),
        Value::Bool(value) => value.map(|value| value.to_string()),
        Value::Bytes(value) => value.as_ref().map(|bytes| format!("{} bytes", bytes.len())),
    };
    text.unwrap_or_else(|| "null".to_owned())
}
