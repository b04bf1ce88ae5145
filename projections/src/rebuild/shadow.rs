//! A shadow: a second set of read models beside the live one.

use crate::{Error, Projection, audit, migrator};
use domain::Timestamp;
use sql::{Database, Durability, Engine, Exclusive, Limits, Location, Transaction, placeholders, query};
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// The attempts to acquire a shadow, and the pause between them: a process that died a moment ago may still seem to
/// hold it.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// A second set of read models: another schema of the same Postgres database, or another file in the same folder. One
/// process at a time holds the shadow of a name, and may remove it.
pub(crate) struct Shadow {
    name: Name,
    live: Location,
    right: Exclusive,
    pub(crate) database: Database,
}

enum Name {
    Schema(String),
    File(PathBuf),
}

impl Shadow {
    /// Opens the shadow `name` of `live`. Creates it if it does not exist or is not whole: its tables were swapped in,
    /// or are those of another build.
    ///
    /// # Errors
    /// [`Error::UnderWay`] while another process holds it, or if the database is unavailable.
    pub(crate) async fn open(live: &Location, name: &str, connections: u32) -> Result<Self, Error> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.chars().all(plain) {
            return Err(Error::Sql(sql::Error::Location(format!("{name:?} is not a name of the form [a-z0-9_]+"))));
        }
        let right = right(live, name).await?;
        let (name, location) = match live {
            Location::Sqlite { path, .. } => {
                let stem = path.file_stem().map_or_else(|| "read".into(), |stem| stem.to_string_lossy());
                let path = path.with_file_name(format!("{stem}-{name}.db"));
                (Name::File(path.clone()), Location::Sqlite { path, durability: Durability::Normal })
            }
            Location::Postgres { url, .. } => {
                let schema = format!("chatchit_shadow_{name}");
                (Name::Schema(schema.clone()), Location::Postgres { url: url.clone(), schema })
            }
        };
        let mut database = Database::connect_for(&location, connections, Limits::BULK).await?;
        if !is_whole(&database).await? {
            database.close().await;
            remove(&name, live).await?;
            database = Database::connect_for(&location, connections, Limits::BULK).await?;
        }
        database.migrate(migrator(database.engine())).await?;
        Ok(Self { name, live: live.clone(), right, database })
    }

    /// Opens the shadow `name` of `live`, emptied.
    pub(crate) async fn open_empty(live: &Location, name: &str, connections: u32) -> Result<Self, Error> {
        Self::open(live, name, 1).await?.discard().await?;
        Self::open(live, name, connections).await
    }

    /// Gives a transaction on the live read models access to the shadow's tables.
    pub(crate) async fn attach(&self, tx: &mut Transaction) -> Result<(), sql::Error> {
        if let Name::File(path) = &self.name {
            let path = path.to_string_lossy().into_owned();
            tx.execute(query("ATTACH DATABASE $1 AS shadow").bind(path)).await?;
        }
        Ok(())
    }

    /// The name of a shadow's table in an attached transaction.
    pub(crate) fn table(&self, table: &str) -> String {
        match &self.name {
            Name::Schema(schema) => format!("{schema}.{table}"),
            Name::File(_) => format!("shadow.{table}"),
        }
    }

    /// When it was created, in milliseconds since the epoch by the database's clock; nothing in it was read before. For
    /// an attached transaction.
    pub(crate) async fn made_at(&self, tx: &mut Transaction) -> Result<i64, sql::Error> {
        let first = match &self.name {
            Name::Schema(_) => "CAST(EXTRACT(EPOCH FROM MIN(installed_on)) * 1000 AS BIGINT)",
            Name::File(_) => "CAST(strftime('%s', MIN(installed_on)) AS INTEGER) * 1000",
        };
        let sql = format!("SELECT {first} AS made_at FROM {}", self.table("_sqlx_migrations"));
        tx.fetch_optional(query(sql)).await?.ok_or(sqlx::Error::RowNotFound)?.get("made_at")
    }

    /// Removes it in the transaction that took its tables, so that a process that dies leaves nothing half-done. A
    /// SQLite file stays whole, as its tables were copied; discarding removes it.
    pub(crate) async fn drop_with(&self, tx: &mut Transaction) -> Result<(), sql::Error> {
        if let Name::Schema(schema) = &self.name {
            tx.execute(query(format!("DROP SCHEMA {schema} CASCADE"))).await?;
        }
        Ok(())
    }

    /// Whether it still exists.
    pub(crate) async fn is_there(&self, live: &Database) -> Result<bool, sql::Error> {
        let Name::Schema(schema) = &self.name else { return Ok(true) };
        let found = query("SELECT 1 FROM pg_namespace WHERE nspname = $1").bind(schema.as_str());
        Ok(live.fetch_optional(found).await?.is_some())
    }

    /// Leaves it for the next rebuild to continue.
    pub(crate) async fn keep(self) {
        self.database.close().await;
        self.right.release().await;
    }

    /// Removes the shadow.
    pub(crate) async fn discard(self) -> Result<(), Error> {
        self.database.close().await;
        let removed = remove(&self.name, &self.live).await;
        self.right.release().await;
        removed
    }
}

async fn right(live: &Location, name: &str) -> Result<Exclusive, Error> {
    for _ in 1..TRIES {
        if let Ok(right) = Exclusive::take(live, name).await? {
            return Ok(right);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Exclusive::take(live, name).await?.map_err(|taken| {
        let what = match name {
            "verify" => "a verification",
            audit::NAME => "a rebuild of the audit index",
            _ => "a rebuild",
        };
        Error::UnderWay { what, since: taken.since.map(Timestamp::from_millis) }
    })
}

/// Whether all tables of this build exist, or none.
async fn is_whole(database: &Database) -> Result<bool, Error> {
    let schema = match database.schema(migrator(database.engine())).await {
        Ok(schema) => schema,
        Err(sql::Error::Migrate(_)) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if !schema.is_made() {
        return Ok(true);
    }
    if schema.expect_same().is_err() {
        return Ok(false);
    }
    let of_projections = Projection::ALL.into_iter().flat_map(|projection| projection.tables());
    let wanted: Vec<_> =
        of_projections.map(|table| table.name).chain(["audit_events", "parked", "checkpoints"]).collect();
    let marks = placeholders(1, wanted.len());
    let sql = match database.engine() {
        Engine::Sqlite => {
            format!("SELECT COUNT(*) AS found FROM sqlite_master WHERE type = 'table' AND name IN ({marks})")
        }
        Engine::Postgres => {
            format!(
                "SELECT COUNT(*) AS found FROM pg_tables WHERE schemaname = current_schema() AND tablename IN ({marks})"
            )
        }
    };
    let count = wanted.len() as u64;
    let found = database.fetch_optional(query(sql).bind_all(wanted)).await?;
    Ok(found.map(|row| row.unsigned("found")).transpose()? == Some(count))
}

async fn remove(name: &Name, live: &Location) -> Result<(), Error> {
    match name {
        Name::File(path) => {
            for suffix in ["", "-wal", "-shm"] {
                remove_file(path, suffix).map_err(|error| Error::Sql(sqlx::Error::Io(error).into()))?;
            }
        }
        Name::Schema(schema) => {
            let live = Database::connect_for(live, 1, Limits::BULK).await?;
            let dropped = live.execute(query(format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))).await;
            live.close().await;
            dropped?;
        }
    }
    Ok(())
}

fn remove_file(path: &Path, suffix: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    match std::fs::remove_file(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
