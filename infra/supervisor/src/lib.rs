//! The supervisor of all long-lived tasks. A task that panics, or ends before it is stopped, is restarted after a pause. After
//! more than five deaths in a minute the process exits, unless the task is optional. `/readyz` names the tasks that are down.

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

/// The most deaths of a task within `WINDOW` before the process exits.
const DEATHS: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);

/// The times of a supervisor.
#[derive(Clone, Copy, Debug)]
struct Tempo {
    /// The pauses before a restart.
    pauses: [Duration; 4],
    /// How long a restarted task must run to count as up.
    steady: Duration,
}

impl Default for Tempo {
    fn default() -> Self {
        let pauses = [100, 500, 2_000, 5_000].map(Duration::from_millis);
        Self { pauses, steady: Duration::from_secs(5) }
    }
}

/// Restarts tasks until it is stopped. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Supervisor(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tempo: Tempo,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Cancelled when the process must exit.
    failed: CancellationToken,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Tasks that are down, with the cause.
    down: BTreeMap<String, String>,
    /// Why the process must exit.
    fatal: Option<String>,
    /// Makes a task panic, for tests.
    faults: BTreeMap<String, Arc<Notify>>,
}

/// Whether the process depends on a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// The process exits without it.
    Vital,
    /// The process works without it, more slowly.
    Optional,
}

impl Supervisor {
    /// Runs the future of `task` until it is stopped. The future MUST end when the token is cancelled, and MUST be able to
    /// start again.
    pub fn spawn<F>(&self, name: impl Into<String>, task: impl FnMut(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.begin(name.into(), Need::Vital, task);
    }

    /// Does the same for an optional task, such as one of the broker's: it may end by itself, and is restarted however often it
    /// panics.
    pub fn spawn_optional<F>(&self, name: impl Into<String>, task: impl FnMut(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.begin(name.into(), Need::Optional, task);
    }

    fn begin<F>(&self, name: String, need: Need, task: impl FnMut(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let fault = Arc::clone(self.state().faults.entry(name.clone()).or_default());
        self.0.tasks.spawn(self.clone().watch(name, need, fault, task));
    }

    /// Exits the process when `death` resolves to a cause.
    pub fn exit_when(&self, name: &'static str, death: impl Future<Output = String> + Send + 'static) {
        let supervisor = self.clone();
        self.0.tasks.spawn(async move {
            if let Some(why) = supervisor.0.stop.run_until_cancelled(death).await {
                supervisor.fail(name, &why);
            }
        });
    }

    async fn watch<F>(self, name: String, need: Need, fault: Arc<Notify>, mut task: impl FnMut(CancellationToken) -> F)
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
                Ok(()) if self.0.stop.is_cancelled() || need == Need::Optional => {
                    self.state().down.remove(&name);
                    return;
                }
                Ok(()) => "it ended by itself".to_owned(),
                Err(error) => error.to_string(),
            };
            tracing::error!(task = name, error.cause = why, "A task died");
            metrics::counter!("chatchit_task_deaths_total").increment(1);
            self.state().down.insert(name.clone(), why.clone());
            let now = Instant::now();
            deaths.push_back(now);
            deaths.retain(|at| now.saturating_duration_since(*at) < WINDOW);
            if deaths.len() > DEATHS && need == Need::Vital {
                return self.fail(&name, &why);
            }
            let pauses = self.0.tempo.pauses;
            let pause = pauses.get(deaths.len() - 1).or(pauses.last()).copied().unwrap_or_default();
            self.0.stop.run_until_cancelled(sleep(pause)).await;
        }
    }

    fn fail(&self, name: &str, why: &str) {
        tracing::error!(task = name, error.cause = why, "Exiting, because a vital task is dead");
        self.state().fatal.get_or_insert_with(|| format!("{name}: {why}"));
        self.0.failed.cancel();
    }

    /// Waits until the process must exit.
    pub async fn failed(&self) {
        self.0.failed.cancelled().await;
    }

    /// Why the process must exit, if it must.
    #[must_use]
    pub fn fatal(&self) -> Option<String> {
        self.state().fatal.clone()
    }

    /// The tasks that died and have not run for long enough since.
    #[must_use]
    pub fn down(&self) -> Vec<String> {
        self.state().down.keys().cloned().collect()
    }

    /// The names of the tasks that have not ended, for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        // Each task holds its fault until it ends.
        let state = self.state();
        state.faults.iter().filter(|(_, fault)| Arc::strong_count(fault) > 1).map(|(name, _)| name.clone()).collect()
    }

    /// Makes a task panic, for tests.
    #[doc(hidden)]
    pub fn inject(&self, name: &str) {
        if let Some(fault) = self.state().faults.get(name) {
            fault.notify_one();
        }
    }

    /// Stops all tasks when the guard is dropped.
    #[must_use]
    pub fn guard(&self) -> DropGuard {
        self.0.stop.clone().drop_guard()
    }

    /// Stops all tasks.
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

    /// A task that dies `times` times; counts its starts.
    fn dying(supervisor: &Supervisor, times: usize) -> Arc<AtomicUsize> {
        let starts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&starts);
        supervisor.spawn("task", move |stop| {
            let n = counted.fetch_add(1, SeqCst);
            async move {
                assert!(n >= times, "as asked");
                stop.cancelled().await;
            }
        });
        starts
    }

    async fn until(is_so: impl Fn() -> bool) {
        let asking = async {
            while !is_so() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(DEADLINE, asking).await.expect("the condition is met");
    }

    #[tokio::test]
    async fn a_task_that_panics_is_restarted_and_reported() {
        let supervisor = quick(DEADLINE);
        let starts = dying(&supervisor, 2);
        until(|| starts.load(SeqCst) == 3).await;
        assert_eq!(supervisor.down(), ["task"], "it has not run for long enough");
        supervisor.inject("task");
        until(|| starts.load(SeqCst) == 4).await;
        assert_eq!(supervisor.fatal(), None);
        supervisor.stop();
        supervisor.ended().await;
    }

    #[tokio::test]
    async fn a_task_that_runs_for_long_enough_is_up_again() {
        let supervisor = quick(Duration::from_millis(1));
        let starts = dying(&supervisor, 1);
        until(|| starts.load(SeqCst) == 2 && supervisor.down().is_empty()).await;
        supervisor.stop();
        supervisor.ended().await;
    }

    #[tokio::test]
    async fn a_task_that_keeps_dying_ends_the_process() {
        let supervisor = quick(DEADLINE);
        let starts = dying(&supervisor, usize::MAX);
        timeout(DEADLINE, supervisor.failed()).await.expect("it fails");
        assert_eq!(starts.load(SeqCst), DEATHS + 1);
        assert!(supervisor.fatal().is_some_and(|why| why.starts_with("task: ") && why.contains("as asked")));
    }

    #[tokio::test]
    async fn an_optional_task_never_ends_the_process() {
        let supervisor = quick(DEADLINE);
        let starts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&starts);
        supervisor.spawn_optional("task", move |_| {
            let n = counted.fetch_add(1, SeqCst);
            async move { assert!(n > 2 * DEATHS, "as asked") }
        });
        until(|| starts.load(SeqCst) == 2 * DEATHS + 2 && supervisor.down().is_empty()).await;
        assert_eq!(supervisor.fatal(), None);
        supervisor.ended().await;
    }

    #[tokio::test]
    async fn a_task_that_ends_by_itself_has_died() {
        let supervisor = quick(DEADLINE);
        supervisor.spawn("task", |_| async {});
        timeout(DEADLINE, supervisor.failed()).await.expect("it fails");
        assert!(supervisor.fatal().is_some_and(|why| why.contains("by itself")));
        let other = quick(DEADLINE);
        other.exit_when("writer", async { "gone".to_owned() });
        timeout(DEADLINE, other.failed()).await.expect("it fails");
        assert_eq!(other.fatal().as_deref(), Some("writer: gone"));
    }
}
