//! The tables at one location, and the connections to them.

use crate::{
    Connections, Engine, Error, Limits, Location, Migrator, Query, Row, Transaction,
    query::{for_postgres, for_sqlite},
    sqlite::{Pools, begin_to_write, in_time},
};
use metrics::histogram;
use sqlx::SqlitePool;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::{task::yield_now, time::timeout};

/// The tables at one location. Clones share the connections.
#[derive(Clone, Debug)]
pub enum Database {
    /// A SQLite file: many readers, one writer.
    Sqlite {
        /// Connections that only read.
        read: SqlitePool,
        /// The one connection that writes.
        write: SqlitePool,
        /// The file.
        path: PathBuf,
        /// How long its statements may take.
        limits: Limits,
    },
    /// A schema of a Postgres database.
    Postgres {
        /// Connections whose search path is the schema.
        pool: Connections,
        /// The schema.
        schema: String,
    },
}

/// How long migrating may take.
const MIGRATION: Duration = Duration::from_secs(3_600);

impl Database {
    /// Opens the location with at most `connections` connections, creating file or schema if needed. Statements keep to
    /// [`Limits::INTERACTIVE`].
    ///
    /// # Errors
    /// When the location cannot be reached or its name is invalid.
    pub async fn connect(location: &Location, connections: u32) -> Result<Self, Error> {
        Self::connect_for(location, connections, Limits::INTERACTIVE).await
    }

    /// Does the same, with other limits.
    ///
    /// # Errors
    /// When the location cannot be reached or its name is invalid.
    pub async fn connect_for(location: &Location, connections: u32, limits: Limits) -> Result<Self, Error> {
        match location {
            Location::Sqlite { path, durability } => {
                let Pools { read, write } = Pools::open(path, *durability, connections).await?;
                Ok(Self::Sqlite { read, write, path: path.clone(), limits })
            }
            Location::Postgres { url, schema } => Self::open_schema(url, schema, connections, limits).await,
        }
    }

    async fn open_schema(url: &str, schema: &str, connections: u32, limits: Limits) -> Result<Self, Error> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if schema.is_empty() || !schema.chars().all(plain) || schema.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Error::Location(format!("{schema:?} is not a schema name of the form [a-z_][a-z0-9_]*")));
        }
        let pool = Connections::open(url, schema, connections, limits).await?;
        let database = Self::Postgres { pool, schema: schema.to_owned() };
        // The check comes first, so that a role without the right to create schemas can use an existing one. Two processes
        // that create it at the same instant collide in the catalogue in spite of IF NOT EXISTS; then it exists.
        let exists = crate::query("SELECT 1 FROM pg_namespace WHERE nspname = $1").bind(schema);
        if database.fetch_optional(exists).await?.is_none() {
            let created = database.execute(crate::query(format!("CREATE SCHEMA IF NOT EXISTS {schema}"))).await;
            created.map(drop).or_else(|error| if error.is_unique_violation() { Ok(()) } else { Err(error) })?;
        }
        Ok(database)
    }

    /// The engine it runs on.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite { .. } => Engine::Sqlite,
            Self::Postgres { .. } => Engine::Postgres,
        }
    }

    /// How many connections are open, and how many of these are idle.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        match self {
            Self::Sqlite { read, write, .. } => {
                let open = read.size().saturating_add(write.size());
                (usize::try_from(open).unwrap_or(usize::MAX), read.num_idle() + write.num_idle())
            }
            Self::Postgres { pool, .. } => pool.connections(),
        }
    }

    /// Applies the pending migrations. Those of a newer build are ignored.
    ///
    /// # Errors
    /// When a migration fails, an applied one has changed since, or a newer build applied a breaking one
    /// ([`SchemaError::Breaking`](crate::SchemaError)).
    pub async fn migrate(&self, migrator: &Migrator) -> Result<(), Error> {
        self.schema(migrator).await?.expect_compatible()?;
        let migrator = &Migrator { migrations: migrator.migrations.clone(), ignore_missing: true, ..Migrator::DEFAULT };
        let migrated = async {
            match self {
                Self::Sqlite { write, .. } => {
                    // sqlx takes no lock on SQLite: of two processes that migrate a file at once, one fails, and finds the
                    // migration applied when it tries again.
                    for _ in migrator.iter() {
                        if migrator.run(write).await.is_ok() {
                            return Ok(());
                        }
                    }
                    migrator.run(write).await?;
                }
                Self::Postgres { pool, .. } => {
                    let patient = pool.patient().await?;
                    migrator.run(&patient).await?;
                    patient.close().await;
                }
            }
            Ok(())
        };
        timeout(MIGRATION, migrated).await.map_err(|_| Error::Unanswered(MIGRATION))?
    }

    /// Begins a transaction that may write. In SQLite it holds the write lock from the start.
    ///
    /// # Errors
    /// When no connection is available in time.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        self.begin_and("").await
    }

    /// Begins a transaction that may write and, on Postgres, runs statements without parameters in the same round trip.
    ///
    /// # Errors
    /// When no connection is available in time, or a statement fails.
    pub async fn begin_and(&self, statements: &str) -> Result<Transaction, Error> {
        Ok(match self {
            Self::Sqlite { write, limits, .. } => {
                let began = Instant::now();
                let begun = in_time(*limits, begin_to_write(write)).await;
                histogram!("chatchit_sql_wait_seconds").record(began.elapsed());
                Transaction::Sqlite(begun?, *limits)
            }
            Self::Postgres { pool, .. } => Transaction::Postgres(pool.begin(&format!("BEGIN; {statements}")).await?),
        })
    }

    /// Begins a read-only transaction over one snapshot of the tables.
    ///
    /// # Errors
    /// When no connection is available in time.
    pub async fn begin_read(&self) -> Result<Transaction, Error> {
        Ok(match self {
            Self::Sqlite { read, limits, .. } => Transaction::Sqlite(in_time(*limits, read.begin()).await?, *limits),
            Self::Postgres { pool, .. } => {
                Transaction::Postgres(pool.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        })
    }

    /// Runs a statement that writes; returns the number of rows changed.
    ///
    /// # Errors
    /// When the engine refuses the statement or does not answer in time.
    pub async fn execute(&self, query: Query) -> Result<u64, Error> {
        let Query { sql, values } = query;
        Ok(match self {
            Self::Sqlite { write, limits, .. } => {
                in_time(*limits, for_sqlite(&sql, values).execute(write)).await?.rows_affected()
            }
            Self::Postgres { pool, .. } => {
                let mut held = pool.take().await?;
                let (connection, within) = held.begin()?;
                let answer = timeout(within, for_postgres(&sql, values).execute(connection)).await;
                held.settle(answer)?.rows_affected()
            }
        })
    }

    /// Returns all rows of a statement that reads.
    ///
    /// # Errors
    /// When the engine refuses the statement or does not answer in time.
    pub async fn fetch_all(&self, query: Query) -> Result<Vec<Row>, Error> {
        let Query { sql, values } = query;
        Ok(match self {
            Self::Sqlite { read, limits, .. } => {
                let rows = in_time(*limits, for_sqlite(&sql, values).fetch_all(read)).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres { pool, .. } => {
                let mut held = pool.take().await?;
                let (connection, within) = held.begin()?;
                let answer = timeout(within, for_postgres(&sql, values).fetch_all(connection)).await;
                let rows = held.settle(answer)?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Returns the first row of a statement that reads, if there is one.
    ///
    /// # Errors
    /// When the engine refuses the statement or does not answer in time.
    pub async fn fetch_optional(&self, query: Query) -> Result<Option<Row>, Error> {
        let Query { sql, values } = query;
        Ok(match self {
            Self::Sqlite { read, limits, .. } => {
                in_time(*limits, for_sqlite(&sql, values).fetch_optional(read)).await?.map(Row::Sqlite)
            }
            Self::Postgres { pool, .. } => {
                let mut held = pool.take().await?;
                let (connection, within) = held.begin()?;
                let answer = timeout(within, for_postgres(&sql, values).fetch_optional(connection)).await;
                held.settle(answer)?.map(Row::Postgres)
            }
        })
    }

    /// Closes the connections when their statements have ended, or have taken too long.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write, limits, .. } => {
                let closed = async {
                    for pool in [read, write] {
                        // sqlx leaves a connection open that comes back while the pool closes.
                        while pool.size() > 0 {
                            pool.close().await;
                            yield_now().await;
                        }
                    }
                    Ok(())
                };
                if let Err(error) = in_time(*limits, closed).await {
                    tracing::warn!(%error, "SQLite did not finish its statements in time; the connections stay open");
                }
            }
            Self::Postgres { pool, .. } => pool.close().await,
        }
    }
}
