//! Loading a copy into a place without a log: under another name, and renamed at the end, so that a killed load leaves no
//! log.

use super::{CopyError, LogCopy, sync_folder};
use crate::{Renewed, incarnation::renew, open::migrator};
use domain::Timestamp;
use sql::{Database, Durability, Engine, Limits, Location, Migrator, query};
use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

/// A loaded log that is not in its place yet.
#[derive(Debug)]
pub struct Loaded {
    location: Location,
    aside: Location,
    /// Its new incarnation.
    pub renewed: Renewed,
}

/// Checks that there is no log in a place, nor anything else with its name.
///
/// # Errors
/// [`CopyError::Occupied`], or when the place cannot be reached.
pub async fn check_place(location: &Location) -> Result<(), CopyError> {
    match location {
        Location::Sqlite { path, .. } => {
            if let Some(found) = with_siblings(path).into_iter().find(|file| file.exists()) {
                return Err(CopyError::Occupied(format!("there is {} already", found.display())));
            }
        }
        Location::Postgres { url, schema } => {
            let database = beside(url).await?;
            let tables = query("SELECT COUNT(*) AS count FROM pg_tables WHERE schemaname = $1").bind(schema.as_str());
            let row = database.fetch_optional(tables).await?;
            database.close().await;
            if row.map(|row| row.unsigned("count")).transpose()?.unwrap_or_default() > 0 {
                return Err(CopyError::Occupied(format!("the schema {schema} of this database has tables already")));
            }
        }
    }
    Ok(())
}

/// Loads a copy that was checked ([`LogCopy::check`], [`LogCopy::check_parts`], [`check_place`]), and gives the log a new
/// incarnation. It is not in its place before [`Loaded::put_in_place`]. `report` gets the number of bytes so far.
///
/// # Errors
/// [`CopyError`]; nothing is left then, if it can be removed.
pub async fn load(
    copy: &LogCopy,
    folder: &Path,
    location: &Location,
    at: Timestamp,
    report: &(dyn Fn(u64) + Sync),
) -> Result<Loaded, CopyError> {
    let aside = aside(location);
    discard(&aside).await?;
    let renewed = match &aside {
        Location::Sqlite { path, .. } => load_file(copy, folder, path, at).await,
        Location::Postgres { .. } => load_tables(copy, folder, &aside, at, report).await,
    };
    match renewed {
        Ok(renewed) => Ok(Loaded { location: location.clone(), aside, renewed }),
        Err(error) => {
            if let Err(kept) = discard(&aside).await {
                tracing::warn!(error.cause = %kept, "What was loaded of the backup could not be removed");
            }
            Err(error)
        }
    }
}

impl Loaded {
    /// Makes it the log of its place.
    ///
    /// # Errors
    /// [`CopyError`]; there is no log then.
    pub async fn put_in_place(self) -> Result<(), CopyError> {
        match (&self.aside, &self.location) {
            (Location::Sqlite { path: from, .. }, Location::Sqlite { path: to, .. }) => {
                fs::rename(from, to).map_err(CopyError::file(to))?;
                sync_folder(folder_of(to))
            }
            (Location::Postgres { url, schema: from }, Location::Postgres { schema: to, .. }) => {
                let database = beside(url).await?;
                let mut tx = database.begin().await?;
                // Without tables, or it is refused.
                tx.execute(query(format!("DROP SCHEMA IF EXISTS {to}"))).await?;
                tx.execute(query(format!("ALTER SCHEMA {from} RENAME TO {to}"))).await?;
                tx.commit().await?;
                database.close().await;
                Ok(())
            }
            _ => Err(CopyError::Damaged("the place has changed".to_owned())),
        }
    }

    /// Removes it.
    ///
    /// # Errors
    /// [`CopyError`].
    pub async fn discard(self) -> Result<(), CopyError> {
        discard(&self.aside).await
    }
}

async fn load_file(copy: &LogCopy, folder: &Path, path: &Path, at: Timestamp) -> Result<Renewed, CopyError> {
    let [part] = &copy.parts[..] else {
        return Err(CopyError::Damaged("a copy of SQLite is one file".to_owned()));
    };
    let from = folder.join(&part.file);
    tokio::fs::copy(&from, path).await.map_err(CopyError::file(path))?;
    private_to_owner(path)?;
    let place = Location::Sqlite { path: path.to_owned(), durability: Durability::Full };
    let database = Database::connect(&place, 1).await?;
    let loaded = async {
        let mut tx = database.begin().await?;
        let renewed = renew(&mut tx, at).await?;
        tx.commit().await?;
        database.migrate(migrator(Engine::Sqlite)).await?;
        Ok::<_, CopyError>(renewed)
    };
    let loaded = loaded.await;
    // Closed, it is one file again.
    database.close().await;
    let renewed = loaded?;
    if let Some(left) = with_siblings(path).into_iter().skip(1).find(|file| file.exists()) {
        return Err(CopyError::Damaged(format!("{} was not written back", left.display())));
    }
    File::open(path).and_then(|file| file.sync_all()).map_err(CopyError::file(path))?;
    Ok(renewed)
}

async fn load_tables(
    copy: &LogCopy,
    folder: &Path,
    aside: &Location,
    at: Timestamp,
    report: &(dyn Fn(u64) + Sync),
) -> Result<Renewed, CopyError> {
    let database = Database::connect_for(aside, 1, Limits::BULK).await?;
    // First the tables of the build that the copy is of, so that later migrations find its rows.
    database.migrate(&migrations_of(copy)).await?;
    let mut tx = database.begin().await?;
    tx.set_limits(Limits::COPY).await?;
    let mut before = 0;
    for part in &copy.parts {
        let Some(table) = part.table.as_deref() else {
            return Err(CopyError::Damaged(format!("{} is of no table", part.file)));
        };
        let path = folder.join(&part.file);
        let file = BufReader::new(File::open(&path).map_err(CopyError::file(&path))?);
        let counted = Counted { file, bytes: before, report };
        tx.copy_in(table, &part.columns, counted).await?;
        before += part.bytes;
    }
    let renewed = renew(&mut tx, at).await?;
    tx.commit().await?;
    database.migrate(migrator(Engine::Postgres)).await?;
    for table in copy.parts.iter().filter_map(|part| part.table.as_deref()) {
        database.execute(query(format!("ANALYZE \"{}\"", table.replace('"', "\"\"")))).await?;
    }
    database.close().await;
    Ok(renewed)
}

/// The migrations of this build that the copy has.
fn migrations_of(copy: &LogCopy) -> Migrator {
    let has = |version| copy.migrations.iter().any(|migration| migration.version == version);
    let known = migrator(copy.engine.engine()).iter().filter(|migration| has(migration.version));
    Migrator { migrations: known.cloned().collect::<Vec<_>>().into(), ..Migrator::DEFAULT }
}

/// Reports what is read.
struct Counted<'r, R> {
    file: R,
    bytes: u64,
    report: &'r (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.bytes += length as u64;
        (self.report)(self.bytes);
        Ok(length)
    }
}

/// Where a log is loaded that is to be in a place.
fn aside(location: &Location) -> Location {
    match location {
        Location::Sqlite { path, durability } => {
            let mut name = path.as_os_str().to_owned();
            name.push(".restoring");
            Location::Sqlite { path: name.into(), durability: *durability }
        }
        Location::Postgres { url, schema } => {
            Location::Postgres { url: url.clone(), schema: format!("{schema}_restoring") }
        }
    }
}

/// Removes what an earlier load left.
async fn discard(aside: &Location) -> Result<(), CopyError> {
    match aside {
        Location::Sqlite { path, .. } => {
            for file in with_siblings(path) {
                match fs::remove_file(&file) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(CopyError::File { path: file, error });
                    }
                    _ => (),
                }
            }
        }
        Location::Postgres { url, schema } => {
            let database = beside(url).await?;
            database.execute(query(format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))).await?;
            database.close().await;
        }
    }
    Ok(())
}

/// A database file, and those that SQLite makes beside it.
fn with_siblings(path: &Path) -> Vec<PathBuf> {
    let with = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    ["", "-wal", "-shm"].map(with).into()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Files of a backup may have become readable for others on their way.
fn private_to_owner(path: &Path) -> Result<(), CopyError> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(CopyError::file(path))
}

/// A connection from the schema `public`, which always exists: connecting to another would create it.
async fn beside(url: &str) -> Result<Database, sql::Error> {
    let public = Location::Postgres { url: url.to_owned(), schema: "public".to_owned() };
    Database::connect_for(&public, 1, Limits::BULK).await
}
