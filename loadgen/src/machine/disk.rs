//! Whether the disk stalls.

use crate::stats::Quantiles;
use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

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
