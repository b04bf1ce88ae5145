//! A set of tables in one place, and its connections.

use crate::{
    Connections, Error, Limits, Migrator, Query, Row, Transaction,
    postgres::ACQUIRE,
    query::{for_postgres, for_sqlite},
};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::PathBuf, time::Duration};
use tokio::time::timeout;

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded default.
    Sqlite,
    /// Production.
    Postgres,
}

impl Engine {
    /// The expression that gives the milliseconds since the epoch by the database's own clock: the one that all processes
    /// share, whatever theirs say. A SQLite file is on one machine, and so is its clock.
    #[must_use]
    pub const fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            Self::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }
}

/// What survives a power cut in SQLite. Postgres decides that for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every commit (`synchronous=FULL`): for the log.
    Full,
    /// Every commit until some moment (`synchronous=NORMAL`): for what can be rebuilt.
    Normal,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file, made when it is not there.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What survives a power cut.
        durability: Durability,
    },
    /// A schema, made when it is not there.
    Postgres {
        /// `postgres://…`
        url: String,
        /// The schema's name: `[a-z_][a-z0-9_]*`.
        schema: String,
    },
}

/// A set of tables in one place. Clones share the connections.
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
        /// How long its work may take.
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

/// How long the schema may take to be brought up to date.
const MIGRATION: Duration = Duration::from_secs(3_600);

/// The answer of SQLite, which may wait for a connection before and for its write lock, if it comes in time. One that
/// was given up goes on until its statement ends; its connection is free then.
pub(crate) async fn in_time<T>(
    limits: Limits,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Error> {
    let within = ACQUIRE + limits.answer();
    Ok(timeout(within, answer).await.map_err(|_| Error::Unanswered(within))??)
}

impl Database {
    /// Opens the place with at most `connections` connections, making file or schema when it is not there. What is done
    /// there keeps to [`Limits::INTERACTIVE`].
    ///
    /// # Errors
    /// When the place cannot be reached or its name is not one.
    pub async fn connect(location: &Location, connections: u32) -> Result<Self, Error> {
        Self::connect_for(location, connections, Limits::INTERACTIVE).await
    }

    /// The same, for work that keeps to other limits.
    ///
    /// # Errors
    /// When the place cannot be reached or its name is not one.
    pub async fn connect_for(location: &Location, connections: u32, limits: Limits) -> Result<Self, Error> {
        match location {
            Location::Sqlite { path, durability } => {
                Self::open_file(path.clone(), *durability, connections, limits).await
            }
            Location::Postgres { url, schema } => Self::open_schema(url, schema, connections, limits).await,
        }
    }

    async fn open_file(path: PathBuf, durability: Durability, connections: u32, limits: Limits) -> Result<Self, Error> {
        let synchronous = match durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Normal => SqliteSynchronous::Normal,
        };
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .foreign_keys(true)
            .busy_timeout(ACQUIRE)
            .statement_cache_capacity(256)
            .pragma("cache_size", "-16000")
            // 40 MB between two checkpoints instead of 4: each one syncs the file, and writers wait for it.
            .pragma("wal_autocheckpoint", "10000")
            .pragma("temp_store", "memory");
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE);
        let write = pool(1).connect_with(options.clone()).await?;
        let read = pool(connections).connect_with(options.pragma("query_only", "on")).await?;
        Ok(Self::Sqlite { read, write, path, limits })
    }

    async fn open_schema(url: &str, schema: &str, connections: u32, limits: Limits) -> Result<Self, Error> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if schema.is_empty() || !schema.chars().all(plain) || schema.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Error::Location(format!("{schema:?} is not a schema name of the form [a-z_][a-z0-9_]*")));
        }
        let pool = Connections::open(url, schema, connections, limits).await?;
        let database = Self::Postgres { pool, schema: schema.to_owned() };
        // Asked first, so that a role that may not create schemas can use one made for it. Two processes that
        // make it at the same instant collide in the catalogue although IF NOT EXISTS stands there; the loser
        // finds it made.
        let exists = crate::query("SELECT 1 FROM pg_namespace WHERE nspname = $1").bind(schema);
        if database.fetch_optional(exists).await?.is_none() {
            let made = database.execute(crate::query(format!("CREATE SCHEMA IF NOT EXISTS {schema}"))).await;
            made.map(drop).or_else(|error| if error.is_unique_violation() { Ok(()) } else { Err(error) })?;
        }
        Ok(database)
    }

    /// Which engine it runs on.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite { .. } => Engine::Sqlite,
            Self::Postgres { .. } => Engine::Postgres,
        }
    }

    /// Brings the tables up to date. What a newer build has added is left as it is.
    ///
    /// # Errors
    /// When a migration fails, one that ran before has changed since, or a newer build made one that this build cannot
    /// live with ([`SchemaError::Breaking`](crate::SchemaError)).
    pub async fn migrate(&self, migrator: &Migrator) -> Result<(), Error> {
        self.schema(migrator).await?.expect_compatible()?;
        let migrator = &Migrator { migrations: migrator.migrations.clone(), ignore_missing: true, ..Migrator::DEFAULT };
        let migrated = async {
            match self {
                Self::Sqlite { write, .. } => {
                    // Here sqlx takes no lock: of two processes that migrate one file at once, one loses a migration
                    // to the other, and finds it made when it looks again.
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

    /// Begins a transaction that may write. In SQLite it holds the write lock from here on.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        Ok(match self {
            Self::Sqlite { write, limits, .. } => {
                Transaction::Sqlite(in_time(*limits, write.begin_with("BEGIN IMMEDIATE")).await?, *limits)
            }
            Self::Postgres { pool, .. } => Transaction::Postgres(pool.begin("BEGIN").await?),
        })
    }

    /// Begins a transaction that reads one state of the tables throughout.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin_read(&self) -> Result<Transaction, Error> {
        Ok(match self {
            Self::Sqlite { read, limits, .. } => Transaction::Sqlite(in_time(*limits, read.begin()).await?, *limits),
            Self::Postgres { pool, .. } => {
                Transaction::Postgres(pool.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        })
    }

    /// Runs a statement that writes; answers how many rows it changed.
    ///
    /// # Errors
    /// The engine's refusal.
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

    /// All rows of a statement that reads.
    ///
    /// # Errors
    /// The engine's refusal.
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

    /// The first row of a statement that reads, if there is one.
    ///
    /// # Errors
    /// The engine's refusal.
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

    /// Closes the connections once their work is done, or has taken too long.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write, limits, .. } => {
                let closed = async {
                    read.close().await;
                    write.close().await;
                    Ok(())
                };
                if let Err(error) = in_time(*limits, closed).await {
                    tracing::warn!(%error, "SQLite did not end its work in time and is left");
                }
            }
            Self::Postgres { pool, .. } => pool.close().await,
        }
    }
}
