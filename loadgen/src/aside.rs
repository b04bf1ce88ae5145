//! A thread beside the one that measures, so that its work does not delay the measurement.

use anyhow::{Result, anyhow};
use std::thread::JoinHandle;
use tokio::{runtime::Builder, sync::oneshot, task::LocalSet};

/// A thread with a runtime of its own.
pub(crate) struct Aside<T> {
    name: &'static str,
    thread: JoinHandle<Result<T>>,
}

impl<T: Send + 'static> Aside<T> {
    /// Starts a thread that runs `work` to its end.
    pub(crate) fn spawn<F: Future<Output = Result<T>>>(
        name: &'static str,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Self> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(LocalSet::new().run_until(work()))
        })?;
        Ok(Self { name, thread })
    }

    /// Starts a thread, and waits until its work is ready.
    pub(crate) async fn start<F: Future<Output = Result<T>>>(
        name: &'static str,
        work: impl FnOnce(oneshot::Sender<()>) -> F + Send + 'static,
    ) -> Result<Self> {
        let (ready, is_ready) = oneshot::channel();
        let aside = Self::spawn(name, move || work(ready))?;
        match is_ready.await {
            Ok(()) => Ok(aside),
            Err(_) => Err(aside.join().err().unwrap_or_else(|| anyhow!("the {name} ended early"))),
        }
    }

    /// Waits for the end of the work.
    pub(crate) fn join(self) -> Result<T> {
        self.thread.join().map_err(|_| anyhow!("the {} panicked", self.name))?
    }
}
