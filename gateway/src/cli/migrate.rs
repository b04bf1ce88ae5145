//! `chatchit migrate`: creates or migrates the tables, as a server does at its start. Of several processes that migrate at once,
//! one does, and the others wait for it.

use super::{logging::Logging, output::say, settings};
use crate::{
    application::{open_log, open_read_models},
    requirements,
};
use anyhow::Result;
use config::{Config, Sources};
use sql::{Database, Location, Migrator};

pub(super) async fn migrate() -> Result<()> {
    let config = settings::of(&Sources::here())?;
    let _logging = Logging::start(&config, None);
    requirements::check(&config).await?;
    let before = [
        applied(&config.log_location(), event_store::migrator).await?,
        applied(&config.read_location(), projections::migrator).await?,
    ];
    let (store, _commits) = open_log(&config).await?;
    let read_models = open_read_models(&config).await?;
    let after = [
        applied(&config.log_location(), event_store::migrator).await?,
        applied(&config.read_location(), projections::migrator).await?,
    ];
    read_models.close().await;
    drop(store);
    for ((name, before), after) in ["log", "read models"].into_iter().zip(before).zip(after) {
        say(&line(&config, name, before, after))?;
    }
    Ok(())
}

/// The last applied migration at a location; `None` if there are no tables.
async fn applied(location: &Location, migrator: fn(sql::Engine) -> &'static Migrator) -> Result<Option<i64>> {
    let exists = match location {
        Location::Sqlite { path, .. } => path.exists(),
        Location::Postgres { .. } => Database::exists(location).await?,
    };
    if !exists {
        return Ok(None);
    }
    let database = Database::connect(location, 1).await?;
    let applied = database.schema(migrator(database.engine())).await.map(|schema| schema.applied());
    database.close().await;
    Ok(applied?)
}

fn line(config: &Config, name: &str, before: Option<i64>, after: Option<i64>) -> String {
    let number = |version: Option<i64>| version.map_or_else(|| "none".to_owned(), |version| version.to_string());
    match before == after {
        true => format!("{name}: at version {} already ({})", number(after), config.database_place()),
        false => format!("{name}: from version {} to {} ({})", number(before), number(after), config.database_place()),
    }
}
