//! A bounded cache before the graph, kept true by the events this process handles.
//!
//! What is read from the graph may be older than what this process knows: the feeder comes after the log. So recent
//! changes are kept and laid over it. What is read must have all changes that are no longer kept; otherwise there is
//! no answer, rather than a wrong one.

mod others;
mod recent;

pub use others::Others;

use crate::{Change, Graph, GraphError, Position, end::End};
use domain::{ConversationId, UserId};
use quick_cache::{Lifecycle, Weighter, sync::Cache};
use recent::{Noted, Recent};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use uuid::Uuid;

/// What a cache may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Ids kept, those of users and conversations asked for included. One takes some 30 bytes.
    pub ids: usize,
    /// Changes kept to be laid over what is read, each counted for either end: as far as the feeder may lag.
    pub recent: usize,
}

/// How a cache is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheStats {
    /// Questions answered from it.
    pub hits: u64,
    /// Questions that went to the graph.
    pub misses: u64,
    /// Of these, the ones without an answer because the graph was too far behind.
    pub behind: u64,
    /// Entries in it: the relations of one kind of one user or conversation.
    pub size: u64,
    /// Ids in it.
    pub ids: u64,
    /// Entries that made room for others, or were too large.
    pub evictions: u64,
}

/// The graph behind a cache. Clones share it.
///
/// Its answers are those of the log up to the last event that was told to [`Cached::observe`], or of a later one.
#[derive(Clone, Debug)]
pub struct Cached(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    graph: Graph,
    entries: Cache<End, Arc<BTreeSet<Uuid>>, Ids, std::hash::RandomState, Evictions>,
    /// Whoever writes an entry holds this.
    recent: Mutex<Recent>,
    hits: AtomicU64,
    misses: AtomicU64,
    behind: AtomicU64,
    evictions: Arc<AtomicU64>,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { ids: 1_000_000, recent: 65_536 }
    }
}

impl Cached {
    /// An empty cache of a process that handles the events after `from`.
    #[must_use]
    pub fn new(graph: Graph, settings: CacheSettings, from: Position) -> Self {
        let evictions = Arc::<AtomicU64>::default();
        let counting = Evictions(Arc::clone(&evictions));
        let entries = settings.ids / 16;
        let entries = Cache::with(entries, settings.ids as u64, Ids, std::hash::RandomState::default(), counting);
        let recent = Mutex::new(Recent::new(settings.recent, from));
        let [hits, misses, behind] = Default::default();
        Self(Arc::new(Inner { graph, entries, recent, hits, misses, behind, evictions }))
    }

    /// The graph itself.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.0.graph
    }

    /// The event at `position`, which this process handles now, changes this. To be told of every event after the
    /// position the cache began with, in an order that keeps I12.
    pub fn observe(&self, position: Position, change: &Change) {
        let mut recent = self.0.recent();
        for (end, other) in change.ends() {
            let noted = recent.note(position, end, other, change.holds);
            if noted == Noted::Late {
                continue;
            }
            let Some((_, mut others)) = self.0.entries.remove(&end) else { continue };
            if noted == Noted::Newest {
                set(Arc::make_mut(&mut others), other, change.holds);
                self.0.entries.insert(end, others);
            }
        }
    }

    /// The friends of `user`.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn friends(&self, user: UserId) -> Result<Others<UserId>, GraphError> {
        self.others(End::Friends(user)).await
    }

    /// Whom `user` has blocked.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn blocked_by(&self, user: UserId) -> Result<Others<UserId>, GraphError> {
        self.others(End::Blocks(user)).await
    }

    /// The members of `conversation`.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn members(&self, conversation: ConversationId) -> Result<Others<UserId>, GraphError> {
        self.others(End::Members(conversation)).await
    }

    /// The conversations `user` is a member of.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn conversations(&self, user: UserId) -> Result<Others<ConversationId>, GraphError> {
        self.others(End::Conversations(user)).await
    }

    async fn others<T>(&self, end: End) -> Result<Others<T>, GraphError> {
        let inner = &self.0;
        if let Some(others) = inner.entries.get(&end) {
            inner.hits.fetch_add(1, Relaxed);
            return Ok(Others::new(others));
        }
        inner.misses.fetch_add(1, Relaxed);
        let mut seen = inner.graph.read(end).await?;
        let recent = inner.recent();
        if seen.settled < recent.horizon() {
            inner.behind.fetch_add(1, Relaxed);
            return Err(GraphError::Rebuilding);
        }
        recent.changes(end).for_each(|(other, holds)| set(&mut seen.others, other, holds));
        let others = Arc::new(seen.others);
        inner.entries.insert(end, Arc::clone(&others));
        Ok(Others::new(others))
    }

    /// How the cache is doing.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let Inner { entries, hits, misses, behind, evictions, .. } = &*self.0;
        CacheStats {
            hits: hits.load(Relaxed),
            misses: misses.load(Relaxed),
            behind: behind.load(Relaxed),
            size: entries.len() as u64,
            ids: entries.weight(),
            evictions: evictions.load(Relaxed),
        }
    }
}

impl Inner {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        // Nothing panics while it holds the lock.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set(others: &mut BTreeSet<Uuid>, other: Uuid, holds: bool) {
    if holds {
        others.insert(other);
    } else {
        others.remove(&other);
    }
}

/// An entry weighs as many ids as it has, and its own.
#[derive(Clone, Debug)]
struct Ids;

impl Weighter<End, Arc<BTreeSet<Uuid>>> for Ids {
    fn weight(&self, _: &End, others: &Arc<BTreeSet<Uuid>>) -> u64 {
        1 + others.len() as u64
    }
}

/// Counts the entries that were evicted.
#[derive(Clone, Debug)]
struct Evictions(Arc<AtomicU64>);

impl Lifecycle<End, Arc<BTreeSet<Uuid>>> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: End, _: Arc<BTreeSet<Uuid>>) {
        self.0.fetch_add(1, Relaxed);
    }
}
