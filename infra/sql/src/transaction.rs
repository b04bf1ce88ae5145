//! A transaction on either engine. Dropped without a commit, it is rolled back.

use crate::{
    Error, Limits, Query, Row, Value,
    database::in_time,
    postgres::Held,
    query::{for_postgres, for_sqlite},
};
use sqlx::Sqlite;
use std::fmt::Write as _;
use tokio::time::timeout;

/// A transaction on either engine. Each statement keeps to the place's [`Limits`].
pub enum Transaction {
    /// On SQLite.
    Sqlite(sqlx::Transaction<'static, Sqlite>, Limits),
    /// On Postgres.
    Postgres(Held),
}

/// Rows per statement in [`Transaction::insert`]: few texts, so that prepared ones are used again.
const CHUNKS: [usize; 4] = [100, 20, 5, 1];

impl Transaction {
    /// Runs a statement; answers how many rows it changed.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn execute(&mut self, query: Query) -> Result<u64, Error> {
        let Query { sql, values } = query;
        Ok(match self {
            Self::Sqlite(tx, limits) => {
                in_time(*limits, for_sqlite(&sql, values).execute(&mut **tx)).await?.rows_affected()
            }
            Self::Postgres(held) => {
                let (connection, within) = held.begin()?;
                let answer = timeout(within, for_postgres(&sql, values).execute(connection)).await;
                held.settle(answer)?.rows_affected()
            }
        })
    }

    /// All rows of a statement.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn fetch_all(&mut self, query: Query) -> Result<Vec<Row>, Error> {
        let Query { sql, values } = query;
        Ok(match self {
            Self::Sqlite(tx, limits) => {
                let rows = in_time(*limits, for_sqlite(&sql, values).fetch_all(&mut **tx)).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(held) => {
                let (connection, within) = held.begin()?;
                let answer = timeout(within, for_postgres(&sql, values).fetch_all(connection)).await;
                let rows = held.settle(answer)?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row of a statement, if there is one.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn fetch_optional(&mut self, query: Query) -> Result<Option<Row>, Error> {
        let Query { sql, values } = query;
        Ok(match self {
            Self::Sqlite(tx, limits) => {
                in_time(*limits, for_sqlite(&sql, values).fetch_optional(&mut **tx)).await?.map(Row::Sqlite)
            }
            Self::Postgres(held) => {
                let (connection, within) = held.begin()?;
                let answer = timeout(within, for_postgres(&sql, values).fetch_optional(connection)).await;
                held.settle(answer)?.map(Row::Postgres)
            }
        })
    }

    /// Keeps to other limits from here on.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn keep_to(&mut self, limits: Limits) -> Result<(), Error> {
        match self {
            Self::Sqlite(_, kept) => *kept = limits,
            Self::Postgres(held) => held.keep_to(limits).await?,
        }
        Ok(())
    }

    /// Inserts many rows in few statements: `head` is `INSERT INTO t (a, b) VALUES`, `tail` what follows the
    /// rows (such as `ON CONFLICT …`, or nothing). All rows have the same number of values.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn insert(&mut self, head: &str, rows: Vec<Vec<Value>>, tail: &str) -> Result<(), Error> {
        let mut rows = rows.into_iter().peekable();
        while let Some(width) = rows.peek().map(Vec::len) {
            let left = rows.len();
            let chunk = CHUNKS.into_iter().find(|chunk| *chunk <= left).unwrap_or(1);
            let mut sql = String::with_capacity(head.len() + tail.len() + chunk * width * 5);
            sql.push_str(head);
            let mut values = Vec::with_capacity(chunk * width);
            for (n, row) in rows.by_ref().take(chunk).enumerate() {
                sql.push_str(if n == 0 { " (" } else { ", (" });
                for column in 0..width {
                    sql.push_str(if column == 0 { "" } else { ", " });
                    match self {
                        // Nameless: SQLite looks a named one up in a list of all names, for each value bound.
                        Self::Sqlite(..) => sql.push('?'),
                        Self::Postgres(_) => {
                            let _ = write!(sql, "${}", n * width + column + 1);
                        }
                    }
                }
                sql.push(')');
                values.extend(row);
            }
            sql.push(' ');
            sql.push_str(tail);
            self.execute(Query { sql: sql.into(), values }).await?;
        }
        Ok(())
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// The engine's refusal. Whether a commit that failed half-way happened is then unknown.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx, limits) => in_time(limits, tx.commit()).await,
            Self::Postgres(held) => held.end("COMMIT").await,
        }
    }

    /// Undoes it.
    ///
    /// # Errors
    /// When the connection is lost; the engine undoes it then.
    pub async fn rollback(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx, limits) => in_time(limits, tx.rollback()).await,
            Self::Postgres(held) => held.end("ROLLBACK").await,
        }
    }
}
