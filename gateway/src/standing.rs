//! What stands still: read models behind the log, partitions without a worker, the feed of the sockets. Looked at every
//! second by a task, so that `/readyz` costs nothing.

use crate::hub::Hub;
use broker::Marks;
use domain::Tier;
use event_store::EventStore;
use projections::Progress;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is looked; more often while something stands.
const LOOK: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(250);
/// How long one look takes at most.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the sockets' feed may be behind the log without a step.
const STANDS: Duration = Duration::from_secs(2);

/// What stands still, as of the last look. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Standing(Arc<Mutex<BTreeSet<String>>>);

/// Whoever looks, and what was seen before.
pub(crate) struct Watcher {
    standing: Standing,
    progress: Progress,
    store: EventStore,
    /// The feed of this process's sockets, if it has any.
    hub: Option<Hub>,
    read_models: projections::Standing,
    behind: Option<(Marks, Instant)>,
}

impl Standing {
    /// Its names: `read_models:<projection>`, `partition:<number>`, `hub`, `look` when it cannot be told.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn set(&self, names: BTreeSet<String>) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != names {
            tracing::warn!(standing = ?names, "what stands still has changed");
        }
        *known = names;
        known.is_empty()
    }
}

impl Watcher {
    pub(crate) fn new(standing: Standing, progress: Progress, store: EventStore, hub: Option<Hub>) -> Self {
        Self { standing, progress, store, hub, read_models: projections::Standing::default(), behind: None }
    }

    /// Looks until `stop`.
    pub(crate) async fn watch(mut self, stop: CancellationToken) {
        loop {
            let Some(is_well) = stop.run_until_cancelled(self.look()).await else { return };
            stop.run_until_cancelled(sleep(if is_well { LOOK } else { SOON })).await;
        }
    }

    /// Looks once; answers whether nothing stands.
    pub(crate) async fn look(&mut self) -> bool {
        let looked = timeout(PATIENCE, async {
            let mut names = self.read_models.look(&self.progress).await.ok()?;
            if self.is_hub_behind().await? {
                names.insert("hub".to_owned());
            }
            Some(names)
        });
        let names = looked.await.ok().flatten().unwrap_or_else(|| BTreeSet::from(["look".to_owned()]));
        self.standing.set(names)
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
