//! Parts of the server that make no progress: commits to the log, read models, partitions without a worker, the hub. A task
//! looks every second, so that `/readyz` costs nothing.

use broker::Marks;
use domain::Tier;
use event_store::EventStore;
use projections::Progress;
use realtime::hub::Hub;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Time between looks; shorter while something is stalled.
const LOOK: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(250);
/// The longest look.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a commit may take, and how long the sockets' feed may be behind the log without a step.
const STANDS: Duration = Duration::from_secs(2);

/// Waits until the log lacks events that this process has followed, and returns the reason. The process must then restart,
/// and the read models with it.
pub async fn log_lost_its_end(store: EventStore) -> String {
    loop {
        sleep(LOOK).await;
        match timeout(PATIENCE, store.has_last_seen_event()).await {
            Ok(Ok(false)) => {
                return "it has lost events that were there, or has a new incarnation: it was restored, or failed over"
                    .to_owned();
            }
            Ok(Ok(true)) => (),
            Ok(Err(error)) => tracing::debug!(error.cause = %error, "the log's end could not be compared"),
            Err(_) => tracing::debug!("the log's end could not be compared in time"),
        }
    }
}

/// The stalled parts as of the last look. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stalled(Arc<Mutex<BTreeSet<String>>>);

/// Looks for stalled parts, and remembers the previous look.
pub struct StallWatcher {
    stalled: Stalled,
    progress: Progress,
    store: EventStore,
    /// The feed of this process's sockets, if it has any.
    hub: Option<Hub>,
    read_models: projections::Standing,
    behind: Option<(Marks, Instant)>,
}

impl Stalled {
    /// Its names: `log`, `read_models:<projection>`, `partition:<number>`, `hub`, `look` when it is unknown.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn set(&self, names: BTreeSet<String>) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != names {
            tracing::warn!(stalled = ?names, "the stalled parts of the server have changed");
        }
        *known = names;
        known.is_empty()
    }
}

impl StallWatcher {
    /// One that fills `stalled`.
    #[must_use]
    pub fn new(stalled: Stalled, progress: Progress, store: EventStore, hub: Option<Hub>) -> Self {
        Self { stalled, progress, store, hub, read_models: projections::Standing::default(), behind: None }
    }

    /// Looks until `stop`.
    pub async fn watch(mut self, stop: CancellationToken) {
        loop {
            let Some(is_well) = stop.run_until_cancelled(self.look()).await else { return };
            stop.run_until_cancelled(sleep(if is_well { LOOK } else { SOON })).await;
        }
    }

    /// Looks once. True if nothing is stalled.
    pub async fn look(&mut self) -> bool {
        let looked = timeout(PATIENCE, async {
            let mut names = self.read_models.look(&self.progress).await.ok()?;
            if self.is_hub_behind().await? {
                names.insert("hub".to_owned());
            }
            Some(names)
        });
        let mut names = looked.await.ok().flatten().unwrap_or_else(|| BTreeSet::from(["look".to_owned()]));
        if self.store.committing_for().is_some_and(|time| time >= STANDS) {
            names.insert("log".to_owned());
        }
        self.stalled.set(names)
    }

    async fn is_hub_behind(&mut self) -> Option<bool> {
        let Some(hub) = &self.hub else { return Some(false) };
        let heads = self.store.head().await.ok()?.heads;
        let (marks, now) = (hub.marks(), Instant::now());
        if marks.high >= heads.tier(Tier::High) && marks.medium >= heads.tier(Tier::Medium) {
            self.behind = None;
            return Some(false);
        }
        let since = self.behind.filter(|(before, _)| *before == marks).map_or(now, |(_, since)| since);
        self.behind = Some((marks, since));
        Some(now.saturating_duration_since(since) >= STANDS)
    }
}
