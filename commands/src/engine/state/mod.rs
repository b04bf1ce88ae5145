//! The cached states of the write side, folded from their streams. A stale state is safe, because every append checks
//! the guards of its decision (I9). A state known to be stale is kept, and the rest of its stream is read.

mod cached;
mod load;
#[cfg(test)]
mod tests;

pub(crate) use cached::Cached;
pub use load::Versioned;
pub(crate) use load::fold;

use super::{CommandError, stream_locks::StreamLocks};
use cached::{EXPECTED, Kept, Slot, kept};
use domain::{
    AggregateType, UserId, administration::Administration, audit::AuditReading, call::Call, conduct::Conduct,
    conversation::Conversation, file::File, friendship::Friendship, message::Message, own_settings::OwnSettings,
    read_marker::ReadMarker, report::Report, session::Session, story::Story, user::User,
};
use event_store::{EventStore, RecordedEvent, Snapshot, StreamId};
use load::{PAGE, read_on};
use quick_cache::sync::Cache;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{sync::Semaphore, time::timeout};
use uuid::Uuid;

/// A stream's snapshot is replaced after this many events.
const SNAPSHOT_EVERY: u64 = 256;
/// The most snapshots written at a time; others are written at a later load of their streams.
const SNAPSHOTS: usize = 2;
/// The time limit of writing a snapshot.
const SNAPSHOT_WITHIN: Duration = Duration::from_secs(10);
/// The longest wait for other loads of the same stream: longer than one load takes.
const LOAD_WITHIN: Duration = Duration::from_secs(15);

/// The source of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The cache, if it has the state.
    Cached,
    /// The cached state plus the rest of the stream, read from the log.
    Fresh,
}

/// The cached states of this process.
pub(crate) struct States {
    users: Kept<User>,
    sessions: Kept<Session>,
    friendships: Kept<Friendship>,
    conversations: Kept<Conversation>,
    messages: Kept<Message>,
    read_markers: Kept<ReadMarker>,
    calls: Kept<Call>,
    own_settings: Kept<OwnSettings>,
    files: Kept<File>,
    conducts: Kept<Conduct>,
    stories: Kept<Story>,
    reports: Kept<Report>,
    administrations: Kept<Administration>,
    readings: Kept<AuditReading>,
    /// The last sequence observed of streams, so that a concurrent load does not restore an older state as current.
    observed: Cache<StreamId, u64>,
    heads: Cache<Uuid, u64>,
    /// One load of a stream at a time.
    loads: StreamLocks,
    ticks: AtomicU64,
    snapshots: Arc<Semaphore>,
}

impl States {
    pub(crate) fn new() -> Self {
        Self {
            users: kept(),
            sessions: kept(),
            friendships: kept(),
            conversations: kept(),
            messages: kept(),
            read_markers: kept(),
            calls: kept(),
            own_settings: kept(),
            files: kept(),
            conducts: kept(),
            stories: kept(),
            reports: kept(),
            administrations: kept(),
            readings: kept(),
            observed: Cache::new(EXPECTED),
            heads: Cache::new(EXPECTED),
            loads: StreamLocks::default(),
            ticks: AtomicU64::new(1),
            snapshots: Arc::new(Semaphore::new(SNAPSHOTS)),
        }
    }

    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Relaxed)
    }

    /// The cached state of a stream; it may be stale.
    pub(crate) fn known<A: Cached>(&self, id: Uuid) -> Option<Versioned<A>> {
        A::cache(self).get(&id).map(|slot| slot.known)
    }

    /// The cached state of a stream, unless a later event was observed.
    fn current<A: Cached>(&self, id: Uuid) -> Option<Versioned<A>> {
        A::cache(self).get(&id).filter(Slot::is_current).map(|slot| slot.known)
    }

    /// The state of a stream, and whether it came from the cache. Of concurrent loads of a stream one reads; the others
    /// share a read that began after their call.
    pub(crate) async fn load<A: Cached>(
        &self,
        store: &EventStore,
        id: Uuid,
        freshness: Freshness,
    ) -> Result<(Versioned<A>, bool), CommandError> {
        if freshness == Freshness::Cached
            && let Some(known) = self.current(id)
        {
            return Ok((known, true));
        }
        let asked = self.tick();
        let stream = StreamId::new(A::AGGREGATE, id);
        // While the log is unavailable each load takes long: a load does not wait for all loads before it.
        let waiting = timeout(LOAD_WITHIN, self.loads.wait(stream)).await;
        let _load = waiting.map_err(|_| CommandError::Unavailable)?;
        let slot = A::cache(self).get(&id);
        if let Some(slot) = &slot {
            let is_current = freshness == Freshness::Cached && slot.is_current();
            if is_current || slot.read_at > asked {
                return Ok((slot.known.clone(), is_current));
            }
        }
        let read_at = self.tick();
        let known = slot.map(|slot| slot.known).unwrap_or_default();
        let (known, snapshot) = read_on(store, stream, known, A::FOLD).await?;
        self.keep(store, id, &known, read_at, snapshot);
        Ok((known, false))
    }

    /// Caches a state, unless a later one is cached.
    fn keep<A: Cached>(&self, store: &EventStore, id: Uuid, known: &Versioned<A>, read_at: u64, snapshot: u64) {
        let before = A::cache(self).get(&id);
        if before.as_ref().is_some_and(|before| before.known.version > known.version) {
            return;
        }
        let (marks, read_before) = before.map(|before| (before.marks, before.read_at)).unwrap_or_default();
        let slot = Slot { known: known.clone(), marks: Arc::clone(&marks), read_at: read_at.max(read_before) };
        A::cache(self).insert(id, slot);
        // A later event may have been observed while no state was cached.
        if let Some(last) = self.observed.get(&StreamId::new(A::AGGREGATE, id)) {
            marks.observed.fetch_max(last, Relaxed);
        }
        let snapshot = marks.snapshot.fetch_max(snapshot, Relaxed).max(snapshot);
        if known.version >= snapshot + SNAPSHOT_EVERY {
            self.make_snapshot(store, id, known, &marks);
        }
    }

    /// Writes a snapshot to the log's database in the background.
    fn make_snapshot<A: Cached>(&self, store: &EventStore, id: Uuid, known: &Versioned<A>, marks: &cached::Marks) {
        let Some(fold) = A::FOLD else { return };
        let Ok(permit) = Arc::clone(&self.snapshots).try_acquire_owned() else { return };
        marks.snapshot.store(known.version, Relaxed);
        let (store, known) = (store.clone(), known.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let stream = StreamId::new(A::AGGREGATE, id);
            let Ok(state) = serde_json::to_vec(&*known.state) else { return };
            let people = known.state.people(id);
            let snapshot = Snapshot { version: known.version, state };
            match timeout(SNAPSHOT_WITHIN, store.store_snapshot(stream, fold, &snapshot, &people)).await {
                Ok(Ok(())) => (),
                Ok(Err(error)) => tracing::debug!(error.cause = %error, "a snapshot could not be kept"),
                Err(_) => tracing::debug!("a snapshot could not be kept in time"),
            }
        });
    }

    /// The states of many streams; those not cached are read together.
    pub(crate) async fn load_many<A: Cached>(
        &self,
        store: &EventStore,
        ids: &[Uuid],
        freshness: Freshness,
    ) -> Result<HashMap<Uuid, Versioned<A>>, CommandError> {
        let mut states = HashMap::new();
        if freshness == Freshness::Cached {
            states.extend(ids.iter().filter_map(|id| Some((*id, self.current::<A>(*id)?))));
        }
        let mut missing: Vec<_> = ids.iter().copied().filter(|id| !states.contains_key(id)).collect();
        missing.sort_unstable();
        missing.dedup();
        let read_at = self.tick();
        let mut read: HashMap<Uuid, Versioned<A>> =
            missing.iter().map(|id| (*id, self.known(*id).unwrap_or_default())).collect();
        while !missing.is_empty() {
            let after = |id: &Uuid| (StreamId::new(A::AGGREGATE, *id), read.get(id).map_or(0, |known| known.version));
            let wanted: Vec<_> = missing.iter().map(after).collect();
            let events = store.load_some_of_many(&wanted, A::FOLD, PAGE).await?;
            for run in events.chunk_by(|a, b| a.record.aggregate_id == b.record.aggregate_id) {
                let (id, first) = (run[0].record.aggregate_id, run[0].record.sequence);
                let known = read.remove(&id).unwrap_or_default();
                let known = if first > known.version + 1 {
                    // It has a snapshot.
                    read_on(store, StreamId::new(A::AGGREGATE, id), known, A::FOLD).await?.0
                } else {
                    fold::<A>(store, known, run).await?
                };
                read.insert(id, known);
            }
            // In a full page all streams but the last are complete, and later streams are missing.
            let last = events.last().filter(|_| events.len() == PAGE as usize).map(|last| last.record.aggregate_id);
            let came: HashSet<Uuid> = events.iter().map(|event| event.record.aggregate_id).collect();
            missing.retain(|id| last.is_some_and(|last| *id == last || !came.contains(id)));
        }
        for (id, known) in read {
            // A single load finds out whether the stream has a snapshot.
            self.keep(store, id, &known, read_at, known.version);
            states.insert(id, known);
        }
        Ok(states)
    }

    /// Caches the state after an append of this process.
    pub(crate) fn advance<A: Cached>(&self, store: &EventStore, id: Uuid, committed: &Versioned<A>) {
        self.keep(store, id, committed, 0, 0);
    }

    /// Marks the cached state of the event's stream as stale.
    pub(crate) fn observe(&self, event: &RecordedEvent) {
        let Some(stream) = event.stream() else { return };
        let sequence = event.record.sequence;
        if self.observed.get(&stream).is_none_or(|observed| observed < sequence) {
            self.observed.insert(stream, sequence);
        }
        match stream.aggregate {
            AggregateType::User => self.mark::<User>(stream.id, sequence),
            AggregateType::Session => self.mark::<Session>(stream.id, sequence),
            AggregateType::Friendship => self.mark::<Friendship>(stream.id, sequence),
            AggregateType::Conversation => self.mark::<Conversation>(stream.id, sequence),
            AggregateType::Message => self.mark::<Message>(stream.id, sequence),
            AggregateType::ReadMarker => self.mark::<ReadMarker>(stream.id, sequence),
            AggregateType::Call => self.mark::<Call>(stream.id, sequence),
            AggregateType::OwnSettings => self.mark::<OwnSettings>(stream.id, sequence),
            AggregateType::File => self.mark::<File>(stream.id, sequence),
            AggregateType::Conduct => self.mark::<Conduct>(stream.id, sequence),
            AggregateType::Story => self.mark::<Story>(stream.id, sequence),
            AggregateType::Report => self.mark::<Report>(stream.id, sequence),
            AggregateType::Administration => self.mark::<Administration>(stream.id, sequence),
            AggregateType::Audit => self.mark::<AuditReading>(stream.id, sequence),
        }
        if stream.aggregate == AggregateType::Message {
            self.learn_head(event.record.scope, event.record.scope_seq);
        }
    }

    fn mark<A: Cached>(&self, id: Uuid, sequence: u64) {
        if let Some(slot) = A::cache(self).get(&id) {
            slot.marks.observed.fetch_max(sequence, Relaxed);
        }
    }

    /// Drops the states that contain texts of `user`.
    pub(crate) fn forget(&self, user: UserId) {
        self.messages.retain(|_, slot| slot.known.state.posted().is_none_or(|posted| posted.sender != user));
        self.conversations.retain(|_, slot| slot.known.state.settings_by() != user);
    }

    /// The last known `seq` of a conversation.
    pub(crate) fn head(&self, conversation: Uuid) -> u64 {
        self.heads.get(&conversation).unwrap_or_default()
    }

    pub(crate) fn learn_head(&self, conversation: Uuid, seq: u64) {
        if seq > self.head(conversation) {
            self.heads.insert(conversation, seq);
        }
    }
}
