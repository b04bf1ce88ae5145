//! Transactions on both engines. Dropped without a commit, a transaction is rolled back.

use crate::{
    Error, Limits, Query, Row, Value,
    postgres::Held,
    query::{for_postgres, for_sqlite},
    sqlite::in_time,
};
use sqlx::Sqlite;
use std::fmt::Write as _;
use tokio::time::timeout;

/// A transaction. Each statement keeps to the [`Limits`] of its database.
pub enum Transaction {
    /// On SQLite.
    Sqlite(sqlx::Transaction<'static, Sqlite>, Limits),
    /// On Postgres.
    Postgres(Held),
}

/// Rows per statement in [`Transaction::insert`]: few sizes, so that prepared statements are reused.
const CHUNKS: [usize; 4] = [100, 20, 5, 1];

impl Transaction {
    /// Runs a statement; returns the number of rows changed.
    ///
    /// # Errors
    /// When the engine refuses the statement or does not answer in time.
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

    /// Returns all rows of a statement.
    ///
    /// # Errors
    /// When the engine refuses the statement or does not answer in time.
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

    /// Returns the first row of a statement, if there is one.
    ///
    /// # Errors
    /// When the engine refuses the statement or does not answer in time.
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

    /// Changes the limits of further statements.
    ///
    /// # Errors
    /// When the engine refuses the statement or does not answer in time.
    pub async fn set_limits(&mut self, limits: Limits) -> Result<(), Error> {
        match self {
            Self::Sqlite(_, kept) => *kept = limits,
            Self::Postgres(held) => held.set_limits(limits).await?,
        }
        Ok(())
    }

    /// Inserts many rows in few statements: `head` is `INSERT INTO t (a, b) VALUES`, `tail` the text after the rows (such as
    /// `ON CONFLICT …`, or empty). All rows have the same number of values.
    ///
    /// # Errors
    /// When the engine refuses the statement or does not answer in time.
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
                        // Without a number: SQLite searches a numbered one in a list of all names for each value.
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

    /// Commits the transaction.
    ///
    /// # Errors
    /// When the engine refuses it or does not answer in time. After a lost connection the outcome is unknown.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx, limits) => in_time(limits, tx.commit()).await,
            Self::Postgres(held) => held.end("COMMIT").await,
        }
    }

    /// Rolls the transaction back.
    ///
    /// # Errors
    /// When the connection is lost; the engine rolls it back then.
    pub async fn rollback(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx, limits) => in_time(limits, tx.rollback()).await,
            Self::Postgres(held) => held.end("ROLLBACK").await,
        }
    }
}
