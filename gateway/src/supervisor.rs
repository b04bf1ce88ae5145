//! The supervisor: every long-lived task runs under it. One that panics, or ends before it is told to, is begun again after
//! a pause; one that does so again and again ends the process, with the reason. `/readyz` tells meanwhile.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::{AbortOnDropHandle, TaskTracker},
};

/// How often a task may die within `WINDOW` before the process ends.
const DEATHS: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);

/// How a supervisor takes its time.
#[derive(Clone, Copy, Debug)]
struct Tempo {
    /// The pauses before a task is begun again.
    pauses: [Duration; 4],
    /// After this long a task that was begun again counts as well.
    steady: Duration,
}

impl Default for Tempo {
    fn default() -> Self {
        let pauses = [100, 500, 2_000, 5_000].map(Duration::from_millis);
        Self { pauses, steady: Duration::from_secs(5) }
    }
}

/// Watches tasks until it is told to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Supervisor(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tempo: Tempo,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Cancelled when the process must end.
    failed: CancellationToken,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Tasks that died lately, and why.
    down: BTreeMap<String, String>,
    /// Why the process must end.
    fatal: Option<String>,
    /// What makes a task panic, for tests.
    faults: BTreeMap<String, Arc<Notify>>,
}

impl Supervisor {
    /// Runs what `task` makes until it is told to stop. The task MUST heed the token it is given, and MUST be able to
    /// begin anew.
    pub fn spawn<F>(&self, name: impl Into<String>, task: impl FnMut(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let name = name.into();
        let fault = Arc::clone(self.state().faults.entry(name.clone()).or_default());
        self.0.tasks.spawn(self.clone().watch(name, fault, task));
    }

    /// Ends the process when `death` answers why.
    pub fn mourn(&self, name: &'static str, death: impl Future<Output = String> + Send + 'static) {
        let supervisor = self.clone();
        self.0.tasks.spawn(async move {
            if let Some(why) = supervisor.0.stop.run_until_cancelled(death).await {
                supervisor.fail(name, &why);
            }
        });
    }

    async fn watch<F>(self, name: String, fault: Arc<Notify>, mut task: impl FnMut(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut deaths = VecDeque::new();
        while !self.0.stop.is_cancelled() {
            let (work, fault) = (task(self.0.stop.clone()), Arc::clone(&fault));
            let mut running = AbortOnDropHandle::new(tokio::spawn(async move {
                tokio::select! {
                    () = work => (),
                    () = fault.notified() => panic!("a fault was injected"),
                }
            }));
            let ended = tokio::select! {
                ended = &mut running => ended,
                () = sleep(self.0.tempo.steady) => {
                    self.state().down.remove(&name);
                    running.await
                }
            };
            let why = match ended {
                Ok(()) if self.0.stop.is_cancelled() => return,
                Ok(()) => "it ended by itself".to_owned(),
                Err(error) => error.to_string(),
            };
            tracing::error!(task = name, error.cause = why, "a task died");
            self.state().down.insert(name.clone(), why.clone());
            let now = Instant::now();
            deaths.push_back(now);
            deaths.retain(|at| now.saturating_duration_since(*at) < WINDOW);
            if deaths.len() > DEATHS {
                return self.fail(&name, &why);
            }
            let pauses = self.0.tempo.pauses;
            let pause = pauses.get(deaths.len() - 1).or(pauses.last()).copied().unwrap_or_default();
            self.0.stop.run_until_cancelled(sleep(pause)).await;
        }
    }

    fn fail(&self, name: &str, why: &str) {
        tracing::error!(task = name, error.cause = why, "the process ends: a task it cannot do without is dead");
        self.state().fatal.get_or_insert_with(|| format!("{name}: {why}"));
        self.0.failed.cancel();
    }

    /// Waits until the process must end.
    pub async fn failed(&self) {
        self.0.failed.cancelled().await;
    }

    /// Why the process must end, if it must.
    #[must_use]
    pub fn fatal(&self) -> Option<String> {
        self.state().fatal.clone()
    }

    /// The tasks that died, and have not run well for a while since.
    #[must_use]
    pub fn down(&self) -> Vec<String> {
        self.state().down.keys().cloned().collect()
    }

    /// Makes a task panic: for tests.
    #[doc(hidden)]
    pub fn inject(&self, name: &str) {
        if let Some(fault) = self.state().faults.get(name) {
            fault.notify_one();
        }
    }

    /// Tells all tasks to stop when it is dropped.
    #[must_use]
    pub fn guard(&self) -> DropGuard {
        self.0.stop.clone().drop_guard()
    }

    /// Tells all tasks to stop.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// Waits until all tasks have ended.
    pub async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use tokio::time::timeout;

    const DEADLINE: Duration = Duration::from_secs(60);

    fn quick(steady: Duration) -> Supervisor {
        let tempo = Tempo { pauses: [Duration::from_millis(1); 4], steady };
        Supervisor(Arc::new(Inner { tempo, ..Inner::default() }))
    }

    /// Counts how often it was begun, and dies `times` times.
    fn dying(supervisor: &Supervisor, times: usize) -> Arc<AtomicUsize> {
        let begun = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&begun);
        supervisor.spawn("task", move |stop| {
            let n = counted.fetch_add(1, SeqCst);
            async move {
                assert!(n >= times, "as asked");
                stop.cancelled().await;
            }
        });
        begun
    }

    async fn until(is_so: impl Fn() -> bool) {
        let asking = async {
            while !is_so() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(DEADLINE, asking).await.expect("it comes to that");
    }

    #[tokio::test]
    async fn a_task_that_panics_is_begun_again_and_that_is_told() {
        let supervisor = quick(DEADLINE);
        let begun = dying(&supervisor, 2);
        until(|| begun.load(SeqCst) == 3).await;
        assert_eq!(supervisor.down(), ["task"], "it has not run well for long");
        supervisor.inject("task");
        until(|| begun.load(SeqCst) == 4).await;
        assert_eq!(supervisor.fatal(), None);
        supervisor.stop();
        supervisor.ended().await;
    }

    #[tokio::test]
    async fn what_runs_well_for_a_while_is_up_again() {
        let supervisor = quick(Duration::from_millis(1));
        let begun = dying(&supervisor, 1);
        until(|| begun.load(SeqCst) == 2 && supervisor.down().is_empty()).await;
        supervisor.stop();
        supervisor.ended().await;
    }

    #[tokio::test]
    async fn one_that_dies_again_and_again_ends_the_process() {
        let supervisor = quick(DEADLINE);
        let begun = dying(&supervisor, usize::MAX);
        timeout(DEADLINE, supervisor.failed()).await.expect("it fails");
        assert_eq!(begun.load(SeqCst), DEATHS + 1);
        assert!(supervisor.fatal().is_some_and(|why| why.starts_with("task: ") && why.contains("as asked")));
    }

    #[tokio::test]
    async fn one_that_ends_by_itself_has_died_as_well() {
        let supervisor = quick(DEADLINE);
        supervisor.spawn("task", |_| async {});
        timeout(DEADLINE, supervisor.failed()).await.expect("it fails");
        assert!(supervisor.fatal().is_some_and(|why| why.contains("by itself")));
        let other = quick(DEADLINE);
        other.mourn("writer", async { "gone".to_owned() });
        timeout(DEADLINE, other.failed()).await.expect("it fails");
        assert_eq!(other.fatal().as_deref(), Some("writer: gone"));
    }
}
