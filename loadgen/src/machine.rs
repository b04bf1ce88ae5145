//! The costs of a run on this machine: processor time per program, and stalls of the disk.

use anyhow::{Context, Result};
use serde::Serialize;
use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

use crate::stats::Quantiles;

/// `USER_HZ`, the unit of `/proc/<pid>/stat`: 100 on every Linux there is.
const TICKS: f64 = 100.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Server,
    /// All processes named `postgres`.
    Postgres,
    /// All named `beam.smp`.
    RabbitMq,
    /// All named `redis-server`.
    Redis,
    Client,
}

#[derive(Clone, Debug)]
pub(crate) struct Usage {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Processor seconds.
    pub(crate) seconds: f64,
    /// `None` for programs that do not run or share memory.
    pub(crate) resident_kib: Option<u64>,
}

/// Processor seconds per thousand messages.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spent {
    pub(crate) server: f64,
    pub(crate) postgres: f64,
    pub(crate) rabbitmq: f64,
    pub(crate) redis: f64,
    pub(crate) client: f64,
    /// All but the client.
    pub(crate) total: f64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cost {
    pub(crate) name: String,
    pub(crate) cpu_seconds: f64,
    pub(crate) cpu_seconds_per_1000: f64,
    /// Memory at the end; `None` for killed processes and for Postgres, whose processes share theirs.
    pub(crate) resident_mib: Option<f64>,
}

impl Cost {
    pub(crate) fn describe(&self) -> String {
        let Self { name, cpu_seconds_per_1000, resident_mib, .. } = self;
        let memory = resident_mib.map(|mib| format!(" ({mib:.0} MiB)")).unwrap_or_default();
        format!("{name} {cpu_seconds_per_1000:.3}{memory}")
    }
}

/// The cost of each program between two usages, also per thousand of `count`.
pub(crate) fn costs(before: &[Usage], after: &[Usage], count: usize) -> (Spent, Vec<Cost>) {
    let mut spent = Spent::default();
    let pairs = after.iter().zip(before);
    let costs = pairs.map(|(after, before)| {
        // What was restarted between the looks begins again at 0.
        let cpu_seconds = (after.seconds - before.seconds).max(0.0);
        let cpu_seconds_per_1000 = if count == 0 { 0.0 } else { cpu_seconds * 1e3 / count as f64 };
        *match after.kind {
            Kind::Server => &mut spent.server,
            Kind::Postgres => &mut spent.postgres,
            Kind::RabbitMq => &mut spent.rabbitmq,
            Kind::Redis => &mut spent.redis,
            Kind::Client => &mut spent.client,
        } += cpu_seconds_per_1000;
        let resident_mib = after.resident_kib.map(|kib| kib as f64 / 1024.0);
        Cost { name: after.name.clone(), cpu_seconds, cpu_seconds_per_1000, resident_mib }
    });
    let costs = costs.collect();
    spent.total = spent.server + spent.postgres + spent.rabbitmq + spent.redis;
    (spent, costs)
}

pub(crate) fn of_this_program() -> Result<Usage> {
    let id = std::process::id();
    let seconds = seconds_of(id).context("this program cannot see itself in /proc")?;
    Ok(Usage { name: "client".to_owned(), kind: Kind::Client, seconds, resident_kib: resident_of(id) })
}

/// The usage of all processes of a name.
pub(crate) fn of_all_named(name: &str, kind: Kind) -> Result<Usage> {
    let ids = fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let named = ids.filter_map(|id| stat(id).filter(|(of, _)| of == name).map(|(_, seconds)| (id, seconds)));
    let mut usage = Usage { name: name.to_owned(), kind, seconds: 0.0, resident_kib: None };
    for (id, seconds) in named {
        usage.seconds += seconds;
        if kind != Kind::Postgres {
            usage.resident_kib = resident_of(id).map(|kib| kib + usage.resident_kib.unwrap_or_default());
        }
    }
    Ok(usage)
}

/// The processor seconds of a process and its ended children.
pub(crate) fn seconds_of(id: u32) -> Option<f64> {
    stat(id).map(|(_, seconds)| seconds)
}

pub(crate) fn resident_of(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn stat(id: u32) -> Option<(String, f64)> {
    parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// Name and processor seconds, with those of ended children.
fn parse(stat: &str) -> Option<(String, f64)> {
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1;
    let ticks: u64 = tail.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Some((name.to_owned(), ticks as f64 / TICKS))
}

/// Writes and syncs a page four times a second, to see whether the disk stalls.
pub(crate) struct Disk {
    probing: JoinHandle<()>,
    times: std::sync::Arc<std::sync::Mutex<Vec<Duration>>>,
}

impl Disk {
    pub(crate) fn probe(folder: &Path) -> Self {
        let times = std::sync::Arc::default();
        let probing = tokio::spawn(probe(folder.join("disk-probe"), std::sync::Arc::clone(&times)));
        Self { probing, times }
    }

    /// The times of the durable pages.
    pub(crate) fn stop(self) -> Quantiles {
        self.probing.abort();
        Quantiles::of(self.times.lock().map(|times| times.clone()).unwrap_or_default())
    }
}

async fn probe(path: PathBuf, times: std::sync::Arc<std::sync::Mutex<Vec<Duration>>>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let path = path.clone();
        let took = tokio::task::spawn_blocking(move || write_page(&path)).await;
        if let (Ok(Ok(took)), Ok(mut times)) = (took, times.lock()) {
            times.push(took);
        }
    }
}

fn write_page(path: &Path) -> std::io::Result<Duration> {
    let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&[0x55; 4096])?;
    let since = Instant::now();
    file.sync_data()?;
    Ok(since.elapsed())
}

#[cfg(test)]
mod tests {
    use super::{Kind, Usage, costs, parse};

    #[test]
    fn a_stat_line_gives_name_and_seconds() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 20 30 20 0 1 0 100 0 0";
        assert_eq!(parse(stat), Some(("a (b) c".to_owned(), 2.5)));
    }

    #[test]
    fn the_client_is_no_part_of_the_total_and_a_restart_costs_nothing() {
        let usage = |kind, seconds| Usage { name: "x".to_owned(), kind, seconds, resident_kib: Some(2048) };
        let before =
            [usage(Kind::Server, 1.0), usage(Kind::Server, 1.0), usage(Kind::Redis, 9.0), usage(Kind::Client, 0.0)];
        let after =
            [usage(Kind::Server, 2.0), usage(Kind::Server, 3.0), usage(Kind::Redis, 1.0), usage(Kind::Client, 5.0)];
        let (spent, costs) = costs(&before, &after, 2_000);
        assert_eq!((spent.server, spent.redis, spent.client, spent.total), (1.5, 0.0, 2.5, 1.5));
        assert_eq!((costs[1].cpu_seconds, costs[1].resident_mib), (2.0, Some(2.0)));
    }
}
