//! A transaction on either engine. Dropped without a commit, it is rolled back.

use crate::{
    Error, Query, Row, Value,
    query::{for_postgres, for_sqlite},
};
use sqlx::{Postgres, Sqlite};
use std::fmt::Write as _;

/// A transaction on either engine.
pub enum Transaction {
    /// On SQLite.
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    /// On Postgres.
    Postgres(sqlx::Transaction<'static, Postgres>),
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
            Self::Sqlite(tx) => for_sqlite(&sql, values).execute(&mut **tx).await?.rows_affected(),
            Self::Postgres(tx) => for_postgres(&sql, values).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// All rows of a statement.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn fetch_all(&mut self, query: Query) -> Result<Vec<Row>, Error> {
        let Query { sql, values } = query;
        Ok(match self {
            Self::Sqlite(tx) => {
                for_sqlite(&sql, values).fetch_all(&mut **tx).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => {
                for_postgres(&sql, values).fetch_all(&mut **tx).await?.into_iter().map(Row::Postgres).collect()
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
            Self::Sqlite(tx) => for_sqlite(&sql, values).fetch_optional(&mut **tx).await?.map(Row::Sqlite),
            Self::Postgres(tx) => for_postgres(&sql, values).fetch_optional(&mut **tx).await?.map(Row::Postgres),
        })
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
                        Self::Sqlite(_) => sql.push('?'),
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
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Undoes it.
    ///
    /// # Errors
    /// When the connection is lost; the engine undoes it then.
    pub async fn rollback(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await?,
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}
