//! Appends per second, beside a bare insert of as many rows into the same table, taking turns in one run.
//!
//! The bare insert is the limit: batches as large as the log's own, the same table and indexes, no guards, keys,
//! numbers, digests or ledger.

mod bare;
mod log;

use crate::{
    machine::Disk,
    server::TemporaryDatabase,
    stats::{Quantiles, median},
};
use anyhow::{Result, anyhow};
use bare::Bare;
use clap::Args;
use log::Log;
pub(crate) use log::{clock, command, new_id};
use serde::Serialize;
use sql::{Durability, Location};
use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

/// What to append, and where.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    /// A Postgres server; a database is made on it for the run. Without: SQLite.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// How many commands are in flight; may be given again.
    #[arg(long, default_values_t = [1, 64, 1_000])]
    in_flight: Vec<usize>,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Turns of each.
    #[arg(long, default_value_t = 3)]
    turns: usize,
    /// Bytes of each message's content.
    #[arg(long, default_value_t = 200)]
    content: usize,
}

/// What was measured with so many commands in flight.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    in_flight: usize,
    appends_per_second: f64,
    append: Quantiles,
    batch: usize,
    bare_rows_per_second: f64,
    bare_batch: Quantiles,
    ratio: f64,
    disk_sync: Quantiles,
}

/// What one turn did.
pub(crate) struct Turn {
    /// Rows a second.
    pub(crate) rate: f64,
    /// How long each append or insert took.
    pub(crate) times: Vec<Duration>,
}

/// Measures and prints. There is nothing to lose or double that the log's own tests do not look for.
pub(crate) async fn run(settings: Settings, json: bool) -> Result<bool> {
    let folder = tempfile::Builder::new().prefix("chatchit-append-").tempdir()?;
    let database = match &settings.database_url {
        Some(url) => Some(TemporaryDatabase::create(url).await?),
        None => None,
    };
    let all = tokio::select! {
        all = compare(&settings, folder.path(), database.as_ref()) => all,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    if let Some(database) = database {
        database.destroy().await?;
    }
    print(&settings, &all?, json)?;
    Ok(true)
}

async fn compare(settings: &Settings, folder: &Path, database: Option<&TemporaryDatabase>) -> Result<Vec<Measured>> {
    let mut log = Log::open(place(folder, database, "ours"), settings.content).await?;
    let mut bare = Bare::open(place(folder, database, "bare"), log.sample().await?).await?;
    let mut all = Vec::new();
    for in_flight in &settings.in_flight {
        eprintln!("{in_flight} in flight");
        all.push(measure(settings, &mut log, &mut bare, *in_flight, folder).await?);
    }
    Ok(all)
}

fn place(folder: &Path, database: Option<&TemporaryDatabase>, name: &str) -> Location {
    match database {
        Some(database) => Location::Postgres { url: database.url().to_owned(), schema: name.to_owned() },
        None => Location::Sqlite { path: folder.join(format!("{name}.db")), durability: Durability::Full },
    }
}

async fn measure(
    settings: &Settings,
    log: &mut Log,
    bare: &mut Bare,
    in_flight: usize,
    folder: &Path,
) -> Result<Measured> {
    let lasts = Duration::from_secs(settings.seconds);
    let disk = Disk::probe(folder);
    log.turn(in_flight, Duration::from_secs(1)).await?;
    let batch = log.mean_batch();
    bare.turn(batch, Duration::from_secs(1)).await?;
    let (mut ours, mut limit) = (Vec::new(), Vec::new());
    for _ in 0..settings.turns {
        ours.push(log.turn(in_flight, lasts).await?);
        let batch = log.mean_batch();
        limit.push(bare.turn(batch, lasts).await?);
    }
    let rate = |turns: &[Turn]| median(turns.iter().map(|turn| turn.rate).collect());
    let times = |turns: Vec<Turn>| Quantiles::of(turns.into_iter().flat_map(|turn| turn.times).collect());
    let (appends_per_second, bare_rows_per_second) = (rate(&ours), rate(&limit));
    Ok(Measured {
        in_flight,
        appends_per_second,
        append: times(ours),
        batch: log.mean_batch(),
        bare_rows_per_second,
        bare_batch: times(limit),
        ratio: appends_per_second / bare_rows_per_second.max(1.0),
        disk_sync: disk.stop(),
    })
}

fn print(settings: &Settings, all: &[Measured], json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, all)?;
        return Ok(writeln!(out)?);
    }
    let engine = if settings.database_url.is_some() { "Postgres" } else { "SQLite" };
    writeln!(out, "append, {engine}, {} bytes, median of {} turns", settings.content, settings.turns)?;
    writeln!(
        out,
        "in flight  appends/s  p50/p99 ms         batch  bare rows/s  p50/p99 ms of a batch  ratio  disk p50/max ms"
    )?;
    for measured in all {
        let Measured { in_flight, appends_per_second, append, batch, bare_rows_per_second, .. } = measured;
        let Measured { bare_batch, ratio, disk_sync, .. } = measured;
        writeln!(
            out,
            "{in_flight:>9}  {appends_per_second:>9.0}  {:>7.2} / {:>7.2}  {batch:>6}  {bare_rows_per_second:>11.0}  \
             {:>9.2} / {:>9.2}  {ratio:>5.2}  {:>5.2} / {:.1}",
            append.p50, append.p99, bare_batch.p50, bare_batch.p99, disk_sync.p50, disk_sync.max,
        )?;
    }
    Ok(())
}

/// Runs `once` again and again until the time is up.
pub(crate) async fn repeat<F, R>(lasts: Duration, rows: usize, mut once: F) -> Result<Turn>
where
    F: FnMut() -> R,
    R: Future<Output = Result<()>>,
{
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < lasts {
        let since = Instant::now();
        once().await?;
        times.push(since.elapsed());
    }
    let rate = (times.len() * rows) as f64 / begun.elapsed().as_secs_f64();
    Ok(Turn { rate, times })
}
