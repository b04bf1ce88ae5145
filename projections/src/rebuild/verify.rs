//! Compares two sets of the same read models, row by row and column by column.

use crate::{Error, Key, Projection, Table};
use sql::{Query, Row, Transaction, Value, placeholders, query};
use std::{collections::BTreeMap, fmt::Write as _};
use uuid::Uuid;

/// Rows compared per step.
const PAGE: usize = 1_000;

/// A difference between a read model and the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub projection: Projection,
    pub table: &'static str,
    /// The row's primary key, as `column=value, …`.
    pub row: String,
    pub kind: DifferenceKind,
}

/// The kind of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The log calls for the row, and it does not exist.
    Missing,
    /// The row exists, and the log does not call for it.
    Surplus,
    /// A column has another value.
    Column {
        name: String,
        /// The value according to the log, as an SQL literal.
        wanted: String,
        /// The value in the read model, as an SQL literal.
        found: String,
    },
}

/// The columns of rows as SQL literals, by their key as SQL literals.
type Rows = BTreeMap<Vec<String>, Vec<String>>;

/// Compares a table in two databases and passes each difference to `found`. Returns the number of rows compared.
pub(super) async fn compare(
    projection: Projection,
    table: Table,
    live: &mut Transaction,
    shadow: &mut Transaction,
    found: &mut (dyn FnMut(Difference) + Send),
) -> Result<u64, Error> {
    let columns = columns(live, table).await?;
    let mut from: Option<Vec<Value>> = None;
    let mut compared = 0;
    loop {
        let after = from.as_deref();
        let (found_rows, last) = rows(live, table, &columns, Range { after, to: None, limit: Some(PAGE) }).await?;
        let is_last = found_rows.len() < PAGE;
        let to = if is_last { None } else { last.as_deref() };
        let (wanted, _) = rows(shadow, table, &columns, Range { after, to, limit: None }).await?;
        compared += wanted.len().max(found_rows.len()) as u64;
        differences(projection, table, &columns, &wanted, &found_rows, found);
        if is_last {
            return Ok(compared);
        }
        from = last;
    }
}

fn differences(
    projection: Projection,
    table: Table,
    columns: &[String],
    wanted: &Rows,
    rows: &Rows,
    found: &mut (dyn FnMut(Difference) + Send),
) {
    let mut report = |key: &[String], kind| {
        let named = table.key.iter().zip(key).map(|((column, _), value)| format!("{column}={value}"));
        let row = named.collect::<Vec<_>>().join(", ");
        found(Difference { projection, table: table.name, row, kind });
    };
    for (key, wanted) in wanted {
        let Some(row) = rows.get(key) else {
            report(key, DifferenceKind::Missing);
            continue;
        };
        for ((name, wanted), found) in columns.iter().zip(wanted).zip(row) {
            if wanted != found {
                let (name, wanted, found) = (name.clone(), wanted.clone(), found.clone());
                report(key, DifferenceKind::Column { name, wanted, found });
            }
        }
    }
    for key in rows.keys().filter(|key| !wanted.contains_key(*key)) {
        report(key, DifferenceKind::Surplus);
    }
}

/// The table's columns, from the catalogue, so that new columns are compared too.
pub async fn columns(tx: &mut Transaction, table: Table) -> Result<Vec<String>, Error> {
    let sql = match tx {
        Transaction::Sqlite(..) => "SELECT name FROM pragma_table_info($1) ORDER BY cid",
        Transaction::Postgres(_) => {
            "SELECT column_name::TEXT AS name FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position"
        }
    };
    let rows = tx.fetch_all(query(sql).bind(table.name)).await?;
    Ok(rows.iter().map(|row| row.get("name")).collect::<Result<_, _>>()?)
}

/// Rows with keys after one, up to and including another, at most `limit`.
#[derive(Clone, Copy)]
struct Range<'a> {
    after: Option<&'a [Value]>,
    to: Option<&'a [Value]>,
    limit: Option<usize>,
}

/// The rows of a range, and the last key.
async fn rows(
    tx: &mut Transaction,
    table: Table,
    columns: &[String],
    range: Range<'_>,
) -> Result<(Rows, Option<Vec<Value>>), Error> {
    let mut rows = Rows::new();
    let mut last = None;
    let key: Vec<_> = table.key.iter().map(|(column, _)| literal(column)).collect();
    let all: Vec<_> = columns.iter().map(|column| literal(column)).collect();
    for row in tx.fetch_all(select(tx, table, columns, range)).await? {
        let texts =
            |names: &[String]| names.iter().map(|name| row.get(name.as_str())).collect::<Result<Vec<String>, _>>();
        rows.insert(texts(&key)?, texts(&all)?);
        last = Some(key_of(&row, table)?);
    }
    Ok((rows, last))
}

/// The name under which [`select`] gives a column as a literal.
fn literal(column: &str) -> String {
    format!("literal_{column}")
}

/// All columns as literals, and the key columns as they are.
fn select(tx: &Transaction, table: Table, columns: &[String], range: Range<'_>) -> Query {
    let quote = match tx {
        Transaction::Sqlite(..) => "quote",
        Transaction::Postgres(_) => "quote_nullable",
    };
    let literals: Vec<_> = columns.iter().map(|column| format!("{quote}({column}) AS {}", literal(column))).collect();
    let key: Vec<_> = table.key.iter().map(|(column, _)| *column).collect();
    let key = key.join(", ");
    let mut sql = format!("SELECT {}, {key} FROM {}", literals.join(", "), table.name);
    let mut values: Vec<Value> = Vec::new();
    for (bound, compare) in [(range.after, ">"), (range.to, "<=")] {
        if let Some(bound) = bound {
            let word = if values.is_empty() { "WHERE" } else { "AND" };
            let marks = placeholders(values.len() + 1, bound.len());
            let _ = write!(sql, " {word} ({key}) {compare} ({marks})");
            values.extend(bound.iter().cloned());
        }
    }
    let _ = write!(sql, " ORDER BY {key}");
    if let Some(limit) = range.limit {
        let _ = write!(sql, " LIMIT {limit}");
    }
    query(sql).bind_all(values)
}

fn key_of(row: &Row, table: Table) -> Result<Vec<Value>, Error> {
    let value = |(column, key): &(&str, Key)| {
        Ok(match key {
            Key::Uuid => row.get::<Uuid>(column)?.into(),
            Key::Int => row.get::<i64>(column)?.into(),
            Key::Text => row.get::<String>(column)?.into(),
        })
    };
    table.key.iter().map(value).collect()
}
