//! The location and the engine of a database.

use sqlx::postgres::PgConnectOptions;
use std::path::PathBuf;

/// The engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded; the default.
    Sqlite,
    /// For production.
    Postgres,
}

impl Engine {
    /// The SQL expression of the milliseconds since the epoch by the database's clock, which all processes share. SQLite's is
    /// the clock of its machine.
    #[must_use]
    pub const fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            Self::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }
}

/// The commits that survive a power failure in SQLite. Postgres has a setting of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// All (`synchronous=FULL`): for the log.
    Full,
    /// All up to some commit (`synchronous=NORMAL`): for tables that can be rebuilt.
    Normal,
}

/// The location of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file, created if it does not exist.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The commits that survive a power failure.
        durability: Durability,
    },
    /// A schema, created if it does not exist.
    Postgres {
        /// `postgres://…`
        url: String,
        /// The schema's name: `[a-z_][a-z0-9_]*`.
        schema: String,
    },
}

impl Location {
    /// The server's host and port; `None` for a file, a local socket, or a malformed URL.
    #[must_use]
    pub fn host(&self) -> Option<(String, u16)> {
        let Self::Postgres { url, .. } = self else { return None };
        let options: PgConnectOptions = url.parse().ok()?;
        let host = options.get_host();
        (options.get_socket().is_none() && !host.starts_with('/')).then(|| (host.to_owned(), options.get_port()))
    }
}
