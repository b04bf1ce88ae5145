//! Compares the tables of a location with those of a build: during an upgrade several builds use one location.
//!
//! A migration adds, and an older build continues beside it. A migration with which older builds are not compatible has a name
//! that begins with `breaking`: a build that does not know it refuses to start. See `docs/adr/0028-mixed-builds.md`.

use crate::{
    Database, Engine, Error, Location, Migrator, SchemaError,
    postgres::{answer_alone, connect_alone},
    query,
};
use sqlx::{Connection as _, migrate::MigrateError};
use std::collections::BTreeMap;

/// The prefix of the description of a migration with which builds without it are not compatible.
const BREAKING: &str = "breaking";

/// How the tables of a location differ from those of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    is_made: bool,
    /// The last applied migration of this build.
    applied: Option<i64>,
    /// The first pending migration of this build.
    pending: Option<i64>,
    /// Applied migrations that this build does not know, by version.
    unknown: BTreeMap<i64, String>,
}

impl Schema {
    /// Whether there are any tables.
    #[must_use]
    pub const fn is_made(&self) -> bool {
        self.is_made
    }

    /// The last applied migration of this build; `None` if there is none.
    #[must_use]
    pub const fn applied(&self) -> Option<i64> {
        self.applied
    }

    /// For readers: the tables must be exactly those of this build.
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

    /// For processes that migrate: there must be no unknown breaking migration.
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
    /// Compares the tables with those of `migrator`, without changes.
    ///
    /// # Errors
    /// When the location is unavailable, or an applied migration had another text.
    pub async fn schema(&self, migrator: &Migrator) -> Result<Schema, Error> {
        let is_made = match self.engine() {
            Engine::Sqlite => "SELECT COUNT(*) > 0 AS is_made FROM sqlite_master WHERE name = '_sqlx_migrations'",
            Engine::Postgres => "SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS is_made",
        };
        let is_made = self.fetch_optional(query(is_made)).await?.map(|row| row.get::<bool>("is_made")).transpose()?;
        let mut schema = Schema { is_made: is_made == Some(true), ..Schema::default() };
        let mut made = BTreeMap::new();
        if schema.is_made {
            let sql = "SELECT version, description, checksum FROM _sqlx_migrations";
            for row in self.fetch_all(query(sql)).await? {
                made.insert(
                    row.get::<i64>("version")?,
                    (row.get::<String>("description")?, row.get::<Vec<u8>>("checksum")?),
                );
            }
        }
        for migration in migrator.iter().filter(|migration| !migration.migration_type.is_down_migration()) {
            match made.remove(&migration.version) {
                Some((_, checksum)) if checksum != *migration.checksum => {
                    return Err(MigrateError::VersionMismatch(migration.version).into());
                }
                Some(_) => schema.applied = schema.applied.max(Some(migration.version)),
                None => schema.pending = schema.pending.or(Some(migration.version)),
            }
        }
        schema.unknown = made.into_iter().map(|(version, (name, _))| (version, name)).collect();
        Ok(schema)
    }

    /// Whether the location exists; connecting would create it.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn exists(location: &Location) -> Result<bool, Error> {
        match location {
            Location::Sqlite { path, .. } => Ok(path.exists()),
            Location::Postgres { url, schema } => {
                let mut connection = connect_alone(url).await?;
                let found = sqlx::query("SELECT 1 FROM pg_namespace WHERE nspname = $1").bind(schema);
                let found = answer_alone(found.fetch_optional(&mut connection)).await?;
                answer_alone(connection.close()).await?;
                Ok(found.is_some())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(pending: Option<i64>, unknown: &[(i64, &str)]) -> Schema {
        let unknown = unknown.iter().map(|(version, name)| (*version, (*name).to_owned())).collect();
        Schema { is_made: true, applied: None, pending, unknown }
    }

    #[test]
    fn a_reader_expects_exactly_its_own_tables() {
        assert_eq!(Schema::default().expect_same(), Err(SchemaError::Missing));
        assert_eq!(schema(None, &[]).expect_same(), Ok(()));
        assert_eq!(schema(Some(7), &[]).expect_same(), Err(SchemaError::Older(7)));
        let newer = schema(None, &[(8, "more"), (9, "even more")]);
        assert_eq!(newer.expect_same(), Err(SchemaError::Newer(8, "more".to_owned())));
        assert_eq!(newer.expect_compatible(), Ok(()), "additions are compatible");
    }

    #[test]
    fn a_breaking_migration_stops_older_builds() {
        let newer = schema(Some(7), &[(8, "more"), (9, "breaking less")]);
        assert_eq!(newer.expect_compatible(), Err(SchemaError::Breaking(9, "breaking less".to_owned())));
        assert_eq!(newer.expect_same(), newer.expect_compatible());
    }
}
