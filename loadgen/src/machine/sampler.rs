//! Usage over the time of a measurement, read by a thread of its own: reading it would hold up the client.

use super::{
    proc::Table,
    usage::{Source, Usage},
};
use anyhow::{Context, Result, anyhow};
use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// The interval of the looks.
const LOOK: Duration = Duration::from_secs(1);

/// The usage of all sources at some moments, the first and the last of a measurement among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(pub(super) Vec<Sample>);

#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) usage: Vec<Usage>,
}

pub(crate) struct Sampler {
    stop: Sender<()>,
    samples: oneshot::Receiver<Result<Samples>>,
}

impl Sampler {
    /// Waits for the first look.
    pub(crate) async fn start(sources: Vec<Source>) -> Result<Self> {
        let ((stop, stopped), (ready, is_ready)) = (channel(), oneshot::channel());
        let (done, samples) = oneshot::channel();
        std::thread::Builder::new().name("sampler".to_owned()).spawn(move || {
            let _ = done.send(sample(&sources, ready, &stopped));
        })?;
        match is_ready.await {
            Ok(()) => Ok(Self { stop, samples }),
            Err(_) => Err(samples.await?.err().unwrap_or_else(|| anyhow!("the sampler ended early"))),
        }
    }

    /// Waits for the last look.
    pub(crate) async fn stop(self) -> Result<Samples> {
        drop(self.stop);
        self.samples.await.context("the sampler panicked")?
    }
}

fn sample(sources: &[Source], ready: oneshot::Sender<()>, stopped: &Receiver<()>) -> Result<Samples> {
    let mut samples = vec![look(sources, true)?];
    let _ = ready.send(());
    while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        samples.push(look(sources, false)?);
    }
    samples.push(look(sources, true)?);
    Ok(Samples(samples))
}

fn look(sources: &[Source], with_shared: bool) -> Result<Sample> {
    let table = Table::read()?;
    let usage = sources.iter().map(|source| table.usage(source, with_shared)).collect();
    Ok(Sample { at: Instant::now(), usage })
}
