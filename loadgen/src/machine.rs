//! What the machine spent: processor time per program, and whether its disk stalled meanwhile.

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

/// Processor seconds spent so far, by program.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spent {
    /// The server, if it runs here.
    pub(crate) server: f64,
    /// All processes named `postgres` of this machine.
    pub(crate) postgres: f64,
    /// This program.
    pub(crate) client: f64,
}

impl Spent {
    /// Until now.
    pub(crate) fn now(server: Option<u32>) -> Result<Self> {
        let of = |id: u32| fs::read_to_string(format!("/proc/{id}/stat")).ok().and_then(|stat| parse(&stat));
        let (_, client) = of(std::process::id()).context("this program cannot see itself in /proc")?;
        let mut spent = Self { client, ..Self::default() };
        spent.server = server.and_then(of).map_or(0.0, |(_, seconds)| seconds);
        for entry in fs::read_dir("/proc")?.filter_map(Result::ok) {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if let Some((name, seconds)) = of(id)
                && name == "postgres"
            {
                spent.postgres += seconds;
            }
        }
        Ok(spent)
    }

    /// Since an earlier time.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            server: self.server - earlier.server,
            postgres: (self.postgres - earlier.postgres).max(0.0),
            client: self.client - earlier.client,
        }
    }

    /// For each thousand of `count`.
    pub(crate) fn per_thousand(self, count: usize) -> Self {
        let share = |seconds: f64| if count == 0 { 0.0 } else { seconds * 1e3 / count as f64 };
        Self { server: share(self.server), postgres: share(self.postgres), client: share(self.client) }
    }
}

/// Name and processor seconds, those of children that have ended included.
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
    /// Probes the disk of `folder` from here on.
    pub(crate) fn probe(folder: &Path) -> Self {
        let times = std::sync::Arc::default();
        let probing = tokio::spawn(probe(folder.join("disk-probe"), std::sync::Arc::clone(&times)));
        Self { probing, times }
    }

    /// How long a durable page took.
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
    use super::parse;

    #[test]
    fn a_stat_line_gives_name_and_seconds() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 20 30 20 0 1 0 100 0 0";
        assert_eq!(parse(stat), Some(("a (b) c".to_owned(), 2.5)));
    }
}
