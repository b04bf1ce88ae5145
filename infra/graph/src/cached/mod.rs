//! A bounded cache before the graph, updated by the events this process handles.
//!
//! The graph may be older than the events this process has handled, since its feeder follows the log. So recent changes are
//! kept and applied to every read. A read must include all changes that are not kept any more; otherwise it fails.

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

/// The most conversations that are remembered as large.
const LARGE: usize = 65_536;

/// The relations of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ties {
    /// The user's friends.
    pub friends: Others<UserId>,
    /// The conversations the user is in.
    pub conversations: Others<ConversationId>,
    /// The users blocked by the user.
    pub blocked: Others<UserId>,
    /// The users who have blocked the user.
    pub blockers: Others<UserId>,
}

impl Ties {
    /// Whether the user has blocked `other` or is blocked by them.
    #[must_use]
    pub fn is_blocked_either_way(&self, other: UserId) -> bool {
        self.blocked.contains(other) || self.blockers.contains(other)
    }

    /// The users blocked either way.
    pub fn apart(&self) -> impl Iterator<Item = UserId> + '_ {
        self.blocked.iter().chain(self.blockers.iter())
    }
}

/// Bounds of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// The most ids, including those of the keys. One takes about 30 bytes.
    pub ids: usize,
    /// The most recent changes, each counted at both ends: as far as the feeder may lag.
    pub recent: usize,
}

/// Counts of a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheStats {
    /// Reads answered from it.
    pub hits: u64,
    /// Reads of the graph.
    pub misses: u64,
    /// Reads that failed because the graph was too far behind.
    pub behind: u64,
    /// Entries: the relations of one kind of one user or conversation.
    pub size: u64,
    /// Ids in all entries.
    pub ids: u64,
    /// Entries that were evicted or too large.
    pub evictions: u64,
}

/// The graph behind a cache. Clones share it.
///
/// Its answers are those of the log up to the last event given to [`Cached::observe`], or of a later one.
#[derive(Clone, Debug)]
pub struct Cached(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    graph: Graph,
    entries: Cache<End, Arc<BTreeSet<Uuid>>, Ids, std::hash::RandomState, Evictions>,
    /// The sizes of conversations that had more members than a caller wanted, until they change.
    large: Cache<End, u64>,
    /// Locked while an entry is written.
    recent: Mutex<Recent>,
    /// The last event that changed a relation.
    observed: AtomicU64,
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
        let (large, observed) = (Cache::new(LARGE), AtomicU64::new(from));
        Self(Arc::new(Inner { graph, entries, large, recent, observed, hits, misses, behind, evictions }))
    }

    /// The graph itself.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.0.graph
    }

    /// Applies a change by the event at `position`, which this process handles now. To be called for every event after the
    /// position the cache began with, in an order that keeps I12.
    pub fn observe(&self, position: Position, change: &Change) {
        let mut recent = self.0.recent();
        self.0.observed.fetch_max(position, Relaxed);
        for (end, other) in change.ends() {
            self.0.large.remove(&end);
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

    /// The last event handled by this process that changed a relation.
    #[must_use]
    pub fn observed(&self) -> Position {
        self.0.observed.load(Relaxed)
    }

    /// The relations of a user.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn ties(&self, user: UserId) -> Result<Ties, GraphError> {
        let ends = [End::Friends(user), End::Conversations(user), End::Blocks(user), End::Blockers(user)];
        let mut found = self.all(&ends).await?.into_iter();
        let mut next = || found.next().unwrap_or_default();
        Ok(Ties {
            friends: Others::new(next()),
            conversations: Others::new(next()),
            blocked: Others::new(next()),
            blockers: Others::new(next()),
        })
    }

    /// The conversations of each of `users`, in their order.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn conversations_of(&self, users: &[UserId]) -> Result<Vec<Others<ConversationId>>, GraphError> {
        let ends: Vec<_> = users.iter().map(|user| End::Conversations(*user)).collect();
        Ok(self.all(&ends).await?.into_iter().map(Others::new).collect())
    }

    /// The members of those `conversations` that have at most `most`. The members of larger ones are not read.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn members_of(
        &self,
        conversations: &[ConversationId],
        most: usize,
    ) -> Result<Vec<Others<UserId>>, GraphError> {
        let ends: Vec<_> = conversations.iter().map(|conversation| End::Members(*conversation)).collect();
        let small = if most == usize::MAX { ends } else { self.at_most(ends, most as u64).await? };
        let found = self.all(&small).await?.into_iter().map(Others::new);
        Ok(found.filter(|members| members.len() <= most).collect())
    }

    /// Those ends whose size is at most `most`, or uncertain.
    async fn at_most(&self, ends: Vec<End>, most: u64) -> Result<Vec<End>, GraphError> {
        let inner = &self.0;
        let is_known = |end: &End| inner.entries.peek(end).is_some();
        let is_large = |end: &End| inner.large.get(end).is_some_and(|size| size > most);
        let (mut small, unknown): (Vec<_>, Vec<_>) = ends.into_iter().filter(|end| !is_large(end)).partition(is_known);
        if unknown.is_empty() {
            return Ok(small);
        }
        let (settled, sizes) = inner.graph.sizes(&unknown).await?;
        let recent = inner.recent();
        if settled < recent.horizon() {
            inner.behind.fetch_add(1, Relaxed);
            return Err(GraphError::Rebuilding);
        }
        for (end, size) in unknown.into_iter().zip(sizes) {
            if size > most && recent.changes(end).next().is_none() {
                inner.large.insert(end, size);
            } else {
                small.push(end);
            }
        }
        Ok(small)
    }

    /// The friends of `user`.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn friends(&self, user: UserId) -> Result<Others<UserId>, GraphError> {
        self.others(End::Friends(user)).await
    }

    /// The users blocked by `user`.
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
        Ok(Others::new(self.all(&[end]).await?.pop().unwrap_or_default()))
    }

    /// The others of each end, in their order; missing entries are read together.
    async fn all(&self, ends: &[End]) -> Result<Vec<Arc<BTreeSet<Uuid>>>, GraphError> {
        let inner = &self.0;
        let mut found: Vec<_> = ends.iter().map(|end| inner.entries.get(end)).collect();
        let missing: Vec<_> =
            ends.iter().zip(&found).filter(|(_, known)| known.is_none()).map(|(end, _)| *end).collect();
        inner.hits.fetch_add((ends.len() - missing.len()) as u64, Relaxed);
        inner.misses.fetch_add(missing.len() as u64, Relaxed);
        if !missing.is_empty() {
            let read = inner.graph.read_all(&missing).await?;
            let recent = inner.recent();
            let gaps = found.iter_mut().filter(|known| known.is_none());
            for ((gap, end), mut seen) in gaps.zip(missing).zip(read) {
                if seen.settled < recent.horizon() {
                    inner.behind.fetch_add(1, Relaxed);
                    return Err(GraphError::Rebuilding);
                }
                recent.changes(end).for_each(|(other, holds)| set(&mut seen.others, other, holds));
                let others = Arc::new(seen.others);
                inner.entries.insert(end, Arc::clone(&others));
                *gap = Some(others);
            }
        }
        Ok(found.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// Its counts.
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
        // No code panics while it holds the lock.
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

/// The weight of an entry: its ids, and its key.
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
