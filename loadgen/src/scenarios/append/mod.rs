//! Appends per second, beside a bare insert of as many rows into the same table, in turns of one run.
//!
//! The bare insert is the limit: batches as large as the log's own, the same table and indexes, no guards, keys,
//! numbers, digests or ledger.

mod bare;
mod log;

use crate::{
    machine::Disk,
    report::Report,
    scenario::{Databases, Scenario},
    stats::{Quantiles, median},
    text::Content,
};
use anyhow::Result;
use bare::Bare;
use clap::Args;
use log::Log;
use serde::Serialize;
use serde_json::json;
use sql::Durability;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::runtime::Builder;

/// Appends to the log alone, beside a bare insert into the same table.
#[derive(Args, Clone, Debug)]
pub(crate) struct Append {
    /// A Postgres server; a database is made on it for the run. Without: SQLite.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Commands in flight; may be given several times.
    #[arg(long, default_values_t = [1, 64, 1_000])]
    in_flight: Vec<usize>,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Turns of each.
    #[arg(long, default_value_t = 3)]
    turns: usize,
    #[command(flatten)]
    content: Content,
}

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

pub(crate) struct Turn {
    /// Rows a second.
    pub(crate) rate: f64,
    /// The time of each append or insert.
    pub(crate) times: Vec<Duration>,
}

impl Scenario for Append {
    type Place = Databases;

    fn runtime() -> Builder {
        Builder::new_multi_thread()
    }

    async fn set_up(&self) -> Result<Databases> {
        self.content.check()?;
        Databases::create(self.database_url.as_deref()).await
    }

    async fn run(&self, place: &Databases) -> Result<Report> {
        let mut log = Log::open(place.location("ours", Durability::Full), self.content).await?;
        let mut bare = Bare::open(place.location("bare", Durability::Full), log.sample().await?).await?;
        let mut turns = Vec::new();
        for in_flight in &self.in_flight {
            eprintln!("{in_flight} in flight");
            turns.push(measure(self, &mut log, &mut bare, *in_flight, place.folder()).await?);
        }
        let Self { content, turns: count, .. } = self;
        let title = format!("append, {}, {}, median of {count} turns", place.engine(), content.describe());
        let mut report = Report::new(title, json!({"turns": turns}))?;
        let head = ["in flight", "appends/s", "batch", "bare rows/s", "ratio", "disk p50 / max ms"];
        report.table(&head, turns.iter().map(Measured::row));
        report.latencies(turns.iter().flat_map(|turn| {
            let Measured { in_flight, append, bare_batch, .. } = turn;
            [(format!("{in_flight}: append"), *append), (format!("{in_flight}: bare batch"), *bare_batch)]
        }));
        Ok(report)
    }
}

impl Measured {
    fn row(&self) -> Vec<String> {
        let Self { in_flight, appends_per_second, batch, bare_rows_per_second, ratio, disk_sync, .. } = self;
        let [in_flight, batch] = [in_flight, batch].map(ToString::to_string);
        let [appends, rows] = [appends_per_second, bare_rows_per_second].map(|rate| format!("{rate:.0}"));
        let disk = format!("{:.2} / {:.1}", disk_sync.p50, disk_sync.max);
        vec![in_flight, appends, batch, rows, format!("{ratio:.2}"), disk]
    }
}

async fn measure(
    settings: &Append,
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

/// Repeats `once` until the time is up.
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
