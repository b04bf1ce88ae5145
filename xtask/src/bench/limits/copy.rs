//! A rebuild and a verification of all read models, beside `COPY` of the same rows into the same tables.

use super::super::{
    builds::Build,
    figures::measurement,
    report::Measurement,
    server::Server,
    stage::{Database, Stage},
    watch::watch,
};
use crate::{
    e2e::SECRETS,
    shell::{Shell, say},
};
use anyhow::{Context, Result, ensure};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::process::Command;

/// The rows of the table, of which the first ones are compared with the last.
pub(in crate::bench) const ROWS: [&str; 3] = ["rebuild", "verify", "COPY"];

/// The table.
pub(super) const TABLE: &str = "read models on Postgres";

/// Schemas of Postgres: of the log, of the read models, and of their copies.
const LOG: &str = "chatchit_log";
const READ: &str = "chatchit_read";
const COPIES: &str = "bench_copies";

/// Fills a database, and takes turns with its read models.
pub(super) async fn turn(
    shell: &mut Shell,
    build: &Build,
    replay: &Path,
    stage: &Stage,
    (log, fill): (&Path, Duration),
) -> Result<Vec<Measurement>> {
    let database = stage.database(shell, "bench_rebuild").await?;
    let folder = tempfile::Builder::new().prefix("chatchit-bench-").tempdir()?;
    let settings = settings(&database, folder.path());
    say("filling a database to rebuild");
    fill_database(shell, build, &settings, log, fill).await?;
    let events = count(&database, shell, &format!("SELECT max(position) FROM {LOG}.events")).await?;
    let tables = database.sql(shell, &format!("SELECT tablename FROM pg_tables WHERE schemaname = '{READ}'")).await?;
    let tables: Vec<_> = tables.lines().collect();
    ensure!(!tables.is_empty() && events > 0.0, "nothing was stored");
    let counts: Vec<_> = tables.iter().map(|table| format!("(SELECT count(*) FROM {READ}.\"{table}\")")).collect();
    let rows = count(&database, shell, &format!("SELECT {}", counts.join(" + "))).await?;
    let copy = copy_tables(&database, shell, &tables, stage.database_folder()).await?;
    let mut seconds = Vec::new();
    for task in ["rebuild", "verify"] {
        let mut command = Command::new(replay);
        command.args([task, "all", "--json"]).envs(settings.iter().map(|(name, value)| (*name, value)));
        let since = Instant::now();
        shell.output(command.current_dir(folder.path())).await?;
        seconds.push(since.elapsed().as_secs_f64());
    }
    seconds.push(copy);
    let row = |(name, seconds): (&&str, &f64)| {
        let figures = [("events/s", events / seconds), ("rows/s", rows / seconds), ("seconds", *seconds)];
        let figures = figures.map(|(name, value)| (name.to_owned(), value)).to_vec();
        measurement(TABLE.to_owned(), name, figures)
    };
    Ok(ROWS.iter().zip(&seconds).map(row).collect())
}

/// The settings of the server and of the replay tool.
fn settings(database: &Database, folder: &Path) -> Vec<(&'static str, String)> {
    let mut settings = SECRETS.map(|(name, value)| (name, value.to_owned())).to_vec();
    settings.push(("DATABASE_URL", database.url.clone()));
    settings.push(("CHATCHIT_DATA", folder.join("data").display().to_string()));
    settings.push(("HOST", "127.0.0.1".to_owned()));
    settings.push(("RATE_LIMITS", "off".to_owned()));
    settings.push(("RUST_LOG", "warn".to_owned()));
    settings
}

/// Runs `rooms` against a server that leaves its database behind.
async fn fill_database(
    shell: &mut Shell,
    build: &Build,
    settings: &[(&'static str, String)],
    log: &Path,
    fill: Duration,
) -> Result<()> {
    let mut command = Command::new(&build.server);
    for name in ["RABBITMQ_URL", "REDIS_URL", "CHATCHIT_NAMESPACE", "CHATCHIT_ROLE"] {
        command.env_remove(name);
    }
    command.envs(settings.iter().map(|(name, value)| (*name, value)));
    let server = Server::start(shell, &mut command, log).await?;
    let (mut loadgen, file) = build.loadgen("rooms", log, false);
    loadgen.arg(format!("--address={}", server.address)).arg("--warm-up=0");
    loadgen.arg(format!("--measure={}", fill.as_secs()));
    let nothing = |_: u32| Vec::new();
    let filled = watch(shell, &mut loadgen, nothing, fill, (file.as_deref(), log)).await?;
    ensure!(filled.is_clean, "something was lost or doubled: see {}", log.display());
    server.end().await
}

/// Copies tables into others with the same columns and indexes, and returns the seconds that it took.
async fn copy_tables(database: &Database, shell: &mut Shell, tables: &[&str], folder: &Path) -> Result<f64> {
    let file = |table: &str| folder.join(format!("{table}.copy")).display().to_string();
    let each = |of: &dyn Fn(&str) -> String| tables.iter().map(|table| of(table)).collect::<Vec<_>>().join("; ");
    let write = each(&|table: &str| format!("COPY {READ}.\"{table}\" TO '{}' (FORMAT binary)", file(table)));
    database.sql(shell, &write).await?;
    let make =
        each(&|table: &str| format!("CREATE TABLE {COPIES}.\"{table}\" (LIKE {READ}.\"{table}\" INCLUDING ALL)"));
    // In a transaction of its own: what is copied into a table of the same transaction is not written ahead.
    database.sql(shell, &format!("CREATE SCHEMA {COPIES}; {make}")).await?;
    database.sql(shell, "CHECKPOINT").await?;
    let read = each(&|table: &str| format!("COPY {COPIES}.\"{table}\" FROM '{}' (FORMAT binary)", file(table)));
    let since = Instant::now();
    database.sql(shell, &read).await?;
    Ok(since.elapsed().as_secs_f64())
}

/// A statement's only number.
async fn count(database: &Database, shell: &mut Shell, statement: &str) -> Result<f64> {
    let number = database.sql(shell, statement).await?;
    number.parse::<f64>().with_context(|| format!("not a number: {number:?}"))
}
