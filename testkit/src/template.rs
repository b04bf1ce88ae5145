//! Migrated templates that tests copy instead of running all migrations again.
//!
//! There is one template per content of the migrations. On SQLite it is a folder beside the test binary, on Postgres a
//! database of the test server. Both are made under another name and renamed, so that an existing template is complete.

use crate::database::with_database;
use rust_embed::RustEmbed;
use sql::{Database, Durability, Location, Migrator};
use sqlx::{Connection, Executor, PgConnection};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

#[derive(RustEmbed)]
#[folder = "../migrations/sqlite/log"]
struct SqliteLog;

#[derive(RustEmbed)]
#[folder = "../migrations/sqlite/read"]
struct SqliteReadModels;

#[derive(RustEmbed)]
#[folder = "../migrations/postgres/log"]
struct PostgresLog;

#[derive(RustEmbed)]
#[folder = "../migrations/postgres/read"]
struct PostgresReadModels;

/// The log's schema on Postgres.
pub(crate) const LOG: &str = "chatchit_log";
/// The read models' schema on Postgres.
pub(crate) const READ_MODELS: &str = "chatchit_read";
/// The log's file on SQLite.
pub(crate) const LOG_FILE: &str = "log.db";
/// The read models' file on SQLite.
pub(crate) const READ_MODELS_FILE: &str = "read.db";
/// The advisory lock under which the template database is made.
const MAKING: i64 = 0x6368_6174_7465_6d70;
/// Postgres' code for a database that does not exist.
const UNKNOWN_DATABASE: &str = "3D000";

/// Copies the migrated files into a test's folder.
pub(crate) async fn copy_files(folder: &Path) {
    let migrators = [sql::migrator::<SqliteLog>(), sql::migrator::<SqliteReadModels>()];
    let program = std::env::current_exe().expect("the path of this test");
    let beside = program.parent().expect("the folder of this test");
    let template = beside.join(name(&migrators));
    if !template.exists() {
        let making = tempfile::tempdir_in(beside).expect("a folder for the template");
        let [log, read_models] = [(LOG_FILE, Durability::Full), (READ_MODELS_FILE, Durability::Normal)]
            .map(|(file, durability)| Location::Sqlite { path: making.path().join(file), durability });
        migrate([log, read_models], &migrators).await.expect("a migrated template");
        // Another test may have been faster.
        let renamed = fs::rename(making.path(), &template);
        assert!(renamed.is_ok() || template.exists(), "the template cannot be renamed: {renamed:?}");
    }
    for file in [LOG_FILE, READ_MODELS_FILE] {
        fs::copy(template.join(file), folder.join(file)).expect("a copy of the template");
    }
}

/// Creates a database with the tables of this build on a test server.
pub(crate) async fn clone_database(server: &str, database: &str) -> Result<(), sql::Error> {
    let migrators = [sql::migrator::<PostgresLog>(), sql::migrator::<PostgresReadModels>()];
    let template = name(&migrators);
    let clone = format!("CREATE DATABASE {database} TEMPLATE {template}");
    let mut connection = PgConnection::connect(server).await?;
    match connection.execute(clone.as_str()).await {
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code == UNKNOWN_DATABASE) => (),
        done => return Ok(done.map(drop)?),
    }
    sqlx::query("SELECT pg_advisory_lock($1)").bind(MAKING).execute(&mut connection).await?;
    let made = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1").bind(&template);
    if made.fetch_optional(&mut connection).await?.is_none() {
        make_database(server, &mut connection, &template, &migrators).await?;
    }
    connection.execute(clone.as_str()).await?;
    // Closing the connection releases the lock.
    Ok(connection.close().await?)
}

async fn make_database(
    server: &str,
    connection: &mut PgConnection,
    template: &str,
    migrators: &[Migrator; 2],
) -> Result<(), sql::Error> {
    let making = format!("{template}_making");
    connection.execute(format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)").as_str()).await?;
    connection.execute(format!("CREATE DATABASE {making}").as_str()).await?;
    let place = |schema: &str| Location::Postgres { url: with_database(server, &making), schema: schema.to_owned() };
    migrate([place(LOG), place(READ_MODELS)], migrators).await?;
    // A template that accepts no sessions can be cloned at any time.
    connection.execute(format!("ALTER DATABASE {making} WITH ALLOW_CONNECTIONS false").as_str()).await?;
    connection.execute(format!("ALTER DATABASE {making} RENAME TO {template}").as_str()).await?;
    Ok(())
}

async fn migrate(places: [Location; 2], migrators: &[Migrator; 2]) -> Result<(), sql::Error> {
    for (place, migrator) in places.iter().zip(migrators) {
        let database = Database::connect(place, 1).await?;
        database.migrate(migrator).await?;
        database.close().await;
    }
    Ok(())
}

/// The template's name: a hash of all migrations.
fn name(migrators: &[Migrator; 2]) -> String {
    let mut hasher = DefaultHasher::new();
    for migrator in migrators {
        for migration in migrator.iter() {
            (migration.version, &migration.description, &migration.checksum).hash(&mut hasher);
        }
    }
    format!("chatchit_template_{:016x}", hasher.finish())
}
