//! A shadow: a second place for read models, beside the live one.

use crate::{Error, schema::migrator};
use sql::{Database, Durability, Location, Transaction, query};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A second place for read models: another schema of the same Postgres database, or another file of the same folder.
pub(crate) struct Shadow {
    name: Name,
    live: Location,
    pub(crate) database: Database,
}

/// What it is called.
enum Name {
    Schema(String),
    File(PathBuf),
}

impl Shadow {
    /// Opens the shadow `name` of `live`, making it when it is not there.
    pub(crate) async fn open(live: &Location, name: &str, connections: u32) -> Result<Self, Error> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.chars().all(plain) {
            return Err(Error::Sql(sql::Error::Location(format!("{name:?} is not a name of the form [a-z0-9_]+"))));
        }
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
        let database = Database::connect(&location, connections).await?;
        database.migrate(migrator(database.engine())).await?;
        Ok(Self { name, live: live.clone(), database })
    }

    /// Opens the shadow `name` of `live` with nothing in it.
    pub(crate) async fn open_empty(live: &Location, name: &str, connections: u32) -> Result<Self, Error> {
        Self::open(live, name, 1).await?.discard().await?;
        Self::open(live, name, connections).await
    }

    /// Lets a transaction on the live place reach the shadow's tables.
    pub(crate) async fn attach(&self, tx: &mut Transaction) -> Result<(), sql::Error> {
        if let Name::File(path) = &self.name {
            let path = path.to_string_lossy().into_owned();
            tx.execute(query("ATTACH DATABASE $1 AS shadow").bind(path)).await?;
        }
        Ok(())
    }

    /// How statements of an attached transaction name a table of the shadow.
    pub(crate) fn table(&self, table: &str) -> String {
        match &self.name {
            Name::Schema(schema) => format!("{schema}.{table}"),
            Name::File(_) => format!("shadow.{table}"),
        }
    }

    /// Takes the shadow away.
    pub(crate) async fn discard(self) -> Result<(), Error> {
        self.database.close().await;
        match &self.name {
            Name::File(path) => {
                for suffix in ["", "-wal", "-shm"] {
                    remove(path, suffix).map_err(|error| Error::Sql(sqlx::Error::Io(error).into()))?;
                }
            }
            Name::Schema(schema) => {
                let live = Database::connect(&self.live, 1).await?;
                let dropped = live.execute(query(format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))).await;
                live.close().await;
                dropped?;
            }
        }
        Ok(())
    }
}

fn remove(path: &Path, suffix: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    match std::fs::remove_file(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
