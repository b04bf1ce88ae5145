//! Whether the tables of a place are those that a build knows: several builds work on one place while it is upgraded.
//!
//! A migration adds, and an older build goes on beside it. One that an older build cannot live with has a name that
//! begins with `breaking`: a build that does not know it refuses to start. See `docs/adr/0028-mixed-builds.md`.

use crate::{Database, Engine, Error, Location, Migrator, query};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, migrate::MigrateError, postgres::PgConnectOptions};
use std::{collections::BTreeMap, str::FromStr as _, time::Duration};

/// How the description of a migration begins that builds without it must not live with.
const BREAKING: &str = "breaking";
/// After this long a server that does not answer counts as away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a build does not use a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// There are no tables.
    #[error("there are no tables yet: they are made when the server starts")]
    Missing,
    /// A migration of this build was not made yet.
    #[error("the tables are older than this build: migration {0} was not made, which the server of this build does")]
    Older(i64),
    /// A newer build made a migration that this one does not know.
    #[error("the tables are newer than this build: it does not know migration {0} ({1}); use the build that made it")]
    Newer(i64, String),
    /// A newer build made a migration that this one cannot live with.
    #[error(
        "the tables are newer than this build: it cannot work with migration {0} ({1}); use the build that made it"
    )]
    Breaking(i64, String),
}

/// How the tables of a place differ from what a build knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    is_made: bool,
    /// The first migration of this build that was not made.
    pending: Option<i64>,
    /// What was made that this build does not know, by version.
    unknown: BTreeMap<i64, String>,
}

impl Schema {
    /// Whether there are tables at all.
    #[must_use]
    pub const fn is_made(&self) -> bool {
        self.is_made
    }

    /// For those who only look: exactly what this build knows.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn expect_same(&self) -> Result<(), SchemaError> {
        self.expect_compatible()?;
        match (self.is_made, self.pending, self.unknown.first_key_value()) {
            (false, ..) => Err(SchemaError::Missing),
            (_, _, Some((version, name))) => Err(SchemaError::Newer(*version, name.clone())),
            (_, Some(version), _) => Err(SchemaError::Older(version)),
            _ => Ok(()),
        }
    }

    /// For those who may migrate: nothing that this build cannot live with.
    ///
    /// # Errors
    /// [`SchemaError::Breaking`].
    pub fn expect_compatible(&self) -> Result<(), SchemaError> {
        match self.unknown.iter().find(|(_, name)| name.starts_with(BREAKING)) {
            Some((version, name)) => Err(SchemaError::Breaking(*version, name.clone())),
            None => Ok(()),
        }
    }
}

impl Database {
    /// How the tables differ from what `migrator` makes. Changes nothing.
    ///
    /// # Errors
    /// When the place is away, or a migration was made with another text.
    pub async fn schema(&self, migrator: &Migrator) -> Result<Schema, Error> {
        let is_made = match self.engine() {
            Engine::Sqlite => "SELECT COUNT(*) > 0 FROM sqlite_master WHERE name = '_sqlx_migrations'",
            Engine::Postgres => "SELECT to_regclass('_sqlx_migrations') IS NOT NULL",
        };
        let is_made = self.fetch_optional(query(is_made)).await?.map(|row| row.get::<bool>(0)).transpose()?;
        let mut schema = Schema { is_made: is_made == Some(true), ..Schema::default() };
        let mut made = BTreeMap::new();
        if schema.is_made {
            let sql = "SELECT version, description, checksum FROM _sqlx_migrations";
            for row in self.fetch_all(query(sql)).await? {
                made.insert(row.get::<i64>(0)?, (row.get::<String>(1)?, row.get::<Vec<u8>>(2)?));
            }
        }
        for migration in migrator.iter().filter(|migration| !migration.migration_type.is_down_migration()) {
            match made.remove(&migration.version) {
                Some((_, checksum)) if checksum != *migration.checksum => {
                    return Err(MigrateError::VersionMismatch(migration.version).into());
                }
                Some(_) => (),
                None => schema.pending = schema.pending.or(Some(migration.version)),
            }
        }
        schema.unknown = made.into_iter().map(|(version, (name, _))| (version, name)).collect();
        Ok(schema)
    }

    /// Whether there is such a place: connecting to one would make it.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn exists(location: &Location) -> Result<bool, Error> {
        match location {
            Location::Sqlite { path, .. } => Ok(path.exists()),
            Location::Postgres { url, schema } => {
                let mut connection = connect(url).await?;
                let found = sqlx::query("SELECT 1 FROM pg_namespace WHERE nspname = $1").bind(schema);
                let found = found.fetch_optional(&mut connection).await?;
                connection.close().await?;
                Ok(found.is_some())
            }
        }
    }
}

/// A connection of its own, in no schema.
pub(crate) async fn connect(url: &str) -> Result<PgConnection, Error> {
    let options = PgConnectOptions::from_str(url)?.application_name("chatchit").options([
        ("statement_timeout", "10s"),
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "3"),
        ("tcp_keepalives_count", "3"),
    ]);
    let connected = tokio::time::timeout(PATIENCE, options.connect()).await;
    Ok(connected.map_err(|_| sqlx::Error::PoolTimedOut)??)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(pending: Option<i64>, unknown: &[(i64, &str)]) -> Schema {
        let unknown = unknown.iter().map(|(version, name)| (*version, (*name).to_owned())).collect();
        Schema { is_made: true, pending, unknown }
    }

    #[test]
    fn who_only_looks_wants_exactly_what_they_know() {
        assert_eq!(Schema::default().expect_same(), Err(SchemaError::Missing));
        assert_eq!(schema(None, &[]).expect_same(), Ok(()));
        assert_eq!(schema(Some(7), &[]).expect_same(), Err(SchemaError::Older(7)));
        let newer = schema(None, &[(8, "more"), (9, "even more")]);
        assert_eq!(newer.expect_same(), Err(SchemaError::Newer(8, "more".to_owned())));
        assert_eq!(newer.expect_compatible(), Ok(()), "what only adds is lived with");
    }

    #[test]
    fn what_breaks_older_builds_stops_them() {
        let newer = schema(Some(7), &[(8, "more"), (9, "breaking less")]);
        assert_eq!(newer.expect_compatible(), Err(SchemaError::Breaking(9, "breaking less".to_owned())));
        assert_eq!(newer.expect_same(), newer.expect_compatible());
    }
}
