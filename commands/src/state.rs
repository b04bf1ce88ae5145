//! The write side's own states: folded from their streams, cached, and safe to be stale, because every append
//! checks the versions its decision rests on (I9). A state that is heard to be stale is kept, and read on from.

use crate::{CommandError, turns::Turns};
use domain::{
    Aggregate, AggregateType, UserId, administration::Administration, audit::AuditReading, call::Call,
    conduct::Conduct, conversation::Conversation, file::File, fold, friendship::Friendship, message::Message,
    own_settings::OwnSettings, read_marker::ReadMarker, report::Report, session::Session, story::Story, user::User,
};
use event_store::{EventStore, RecordedEvent, Snapshot, StreamId};
use quick_cache::{Weighter, sync::Cache};
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

/// How much memory the states of each aggregate may take, in bytes (roughly).
const BUDGET: u64 = 32 * 1024 * 1024;
/// How many states of each aggregate are expected within it.
const EXPECTED: usize = 20_000;
/// After how many events that follow on a stream's snapshot it is made anew.
const SNAPSHOT_EVERY: u64 = 256;
/// Snapshots that are made at a time; the others are made when their streams are looked at again.
const SNAPSHOTS: usize = 2;
/// How long making one may take.
const SNAPSHOT_WITHIN: Duration = Duration::from_secs(10);
/// How many events are read, and held, at a time.
const PAGE: u32 = if cfg!(test) { 200 } else { 1_024 };

/// A state and the version of its stream that it stands for (0: the stream has no event).
#[derive(Debug)]
pub struct Versioned<A> {
    /// The sequence of the last event in it.
    pub version: u64,
    /// The state.
    pub state: Arc<A>,
}

impl<A> Clone for Versioned<A> {
    fn clone(&self) -> Self {
        Self { version: self.version, state: Arc::clone(&self.state) }
    }
}

impl<A: Default> Default for Versioned<A> {
    fn default() -> Self {
        Self { version: 0, state: Arc::default() }
    }
}

/// What a state may be taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// What this process remembers, when it does.
    Cached,
    /// The store, for whatever came after what this process remembers.
    Fresh,
}

/// An aggregate whose states are kept.
pub(crate) trait Cached: Aggregate + Clone + 'static {
    /// Where they are kept.
    fn cache(states: &States) -> &Kept<Self>;
    /// The memory one takes, in bytes (roughly).
    fn weight(&self) -> u64;
    /// Which code folds it; `None` of what is never long.
    const FOLD: Option<i64>;
    /// All of whom something personal stands in it.
    fn people(&self, id: Uuid) -> Vec<Uuid>;
}

type Kept<A> = Cache<Uuid, Slot<A>, Bytes>;

/// A state as it is remembered.
pub(crate) struct Slot<A> {
    known: Versioned<A>,
    marks: Arc<Marks>,
    /// When the store was last asked for what follows, by [`States::tick`].
    read_at: u64,
}

/// What is known of a stream besides.
#[derive(Default)]
struct Marks {
    /// The last sequence that was heard of.
    heard: AtomicU64,
    /// The version of its last snapshot.
    snapshot: AtomicU64,
}

impl<A> Clone for Slot<A> {
    fn clone(&self) -> Self {
        Self { known: self.known.clone(), marks: Arc::clone(&self.marks), read_at: self.read_at }
    }
}

impl<A> Slot<A> {
    fn is_current(&self) -> bool {
        self.marks.heard.load(Relaxed) <= self.known.version
    }
}

/// Weighs a state by the memory it takes.
#[derive(Clone)]
pub(crate) struct Bytes;

impl<A: Cached> Weighter<Uuid, Slot<A>> for Bytes {
    fn weight(&self, _id: &Uuid, slot: &Slot<A>) -> u64 {
        slot.known.state.weight()
    }
}

fn kept<A: Cached>() -> Kept<A> {
    Cache::with_weighter(EXPECTED, BUDGET, Bytes)
}

/// The states that this process remembers.
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
    /// The last sequence heard of, so that a load which was under way meanwhile does not bring an older state back.
    heard: Cache<StreamId, u64>,
    heads: Cache<Uuid, u64>,
    /// The loads under way: one of a stream at a time.
    loads: Turns,
    ticks: AtomicU64,
    snapshots: Arc<Semaphore>,
}

macro_rules! cached {
    ($($aggregate:ident in $field:ident weighs |$state:ident| $weight:expr, folded $fold:expr, of |$id:ident| $people:expr;)*) => {$(
        impl Cached for $aggregate {
            fn cache(states: &States) -> &Kept<Self> {
                &states.$field
            }
            fn weight(&self) -> u64 {
                let $state = self;
                $weight
            }
            const FOLD: Option<i64> = $fold;
            fn people(&self, $id: Uuid) -> Vec<Uuid> {
                let $state = self;
                let _ = $state;
                $people
            }
        }
    )*};
}
cached! {
    User in users weighs |_user| 1_024, folded Some(fold::USER), of |id| vec![id];
    Session in sessions weighs |_session| 256, folded None, of |_id| vec![];
    Friendship in friendships weighs |_pair| 256, folded Some(fold::FRIENDSHIP), of |_id| vec![];
    Conversation in conversations weighs |conversation|
        512 + 96 * conversation.size() as u64 + 192 * conversation.invites().len() as u64
            + 64 * conversation.remembered() as u64,
        folded Some(fold::CONVERSATION), of |_id| {
            let people = conversation.invites().makers().chain([conversation.settings_by()]);
            people.map(|user| user.0).collect()
        };
    Message in messages weighs |message| 512 + 64 * message.people() as u64 + 2 * message.posted().map_or(0, |posted| {
        posted.content.as_ref().map_or(0, |content| content.body.as_str().len() + 256 * content.attachments.len()) as u64
    }), folded Some(fold::MESSAGE), of |_id| {
        let reacted = message.reactions().values().flatten();
        reacted.chain(message.posted().map(|posted| &posted.sender)).map(|user| user.0).collect()
    };
    ReadMarker in read_markers weighs |_marker| 256, folded Some(fold::READ_MARKER), of |_id| vec![];
    Conduct in conducts weighs |_conduct| 256, folded Some(fold::CONDUCT), of |_id| vec![];
    AuditReading in readings weighs |_reading| 128, folded None, of |_id| vec![];
    Call in calls weighs |call| 256 + 48 * call.size() as u64, folded Some(fold::CALL), of |_id| vec![];
    OwnSettings in own_settings weighs |_settings| 256, folded Some(fold::OWN_SETTINGS), of |_id| vec![];
    File in files weighs |_file| 256, folded None, of |_id| vec![];
    Story in stories weighs |story| 512 + 48 * story.people() as u64
        + story.content().map_or(0, |content| content.text.as_str().len() as u64),
        folded Some(fold::STORY), of |_id| story.shown().map(|shown| shown.author.0).into_iter().collect();
    Report in reports weighs |_report| 16 * 1_024, folded None, of |_id| vec![];
    Administration in administrations weighs |_act| 64, folded None, of |_id| vec![];
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
            heard: Cache::new(EXPECTED),
            heads: Cache::new(EXPECTED),
            loads: Turns::default(),
            ticks: AtomicU64::new(1),
            snapshots: Arc::new(Semaphore::new(SNAPSHOTS)),
        }
    }

    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Relaxed)
    }

    /// What this process remembers of a stream; it may be stale.
    pub(crate) fn known<A: Cached>(&self, id: Uuid) -> Option<Versioned<A>> {
        A::cache(self).get(&id).map(|slot| slot.known)
    }

    /// What this process remembers of a stream, unless it has heard of something later.
    fn current<A: Cached>(&self, id: Uuid) -> Option<Versioned<A>> {
        A::cache(self).get(&id).filter(Slot::is_current).map(|slot| slot.known)
    }

    /// The state of a stream, and whether it is only remembered. Of those who ask at once for the same one reads, and the
    /// others share what came after they had asked.
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
        let _load = self.loads.wait(stream).await;
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

    /// Remembers a state, unless a later one is known.
    fn keep<A: Cached>(&self, store: &EventStore, id: Uuid, known: &Versioned<A>, read_at: u64, snapshot: u64) {
        let before = A::cache(self).get(&id);
        if before.as_ref().is_some_and(|before| before.known.version > known.version) {
            return;
        }
        let (marks, read_before) = before.map(|before| (before.marks, before.read_at)).unwrap_or_default();
        let slot = Slot { known: known.clone(), marks: Arc::clone(&marks), read_at: read_at.max(read_before) };
        A::cache(self).insert(id, slot);
        // It may have been heard while there was nothing to mark.
        if let Some(last) = self.heard.get(&StreamId::new(A::AGGREGATE, id)) {
            marks.heard.fetch_max(last, Relaxed);
        }
        let snapshot = marks.snapshot.fetch_max(snapshot, Relaxed).max(snapshot);
        if known.version >= snapshot + SNAPSHOT_EVERY {
            self.make_snapshot(store, id, known, &marks);
        }
    }

    /// Has a state kept in the log's database, beside what is going on.
    fn make_snapshot<A: Cached>(&self, store: &EventStore, id: Uuid, known: &Versioned<A>, marks: &Marks) {
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
            match timeout(SNAPSHOT_WITHIN, store.keep_snapshot(stream, fold, &snapshot, &people)).await {
                Ok(Ok(())) => (),
                Ok(Err(error)) => tracing::debug!(error.cause = %error, "a snapshot could not be kept"),
                Err(_) => tracing::debug!("a snapshot could not be kept in time"),
            }
        });
    }

    /// The states of many streams, reading those that are not remembered together.
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
            // Of a full page all but the last stream are complete, and those that follow have not come.
            let last = events.last().filter(|_| events.len() == PAGE as usize).map(|last| last.record.aggregate_id);
            let came: HashSet<Uuid> = events.iter().map(|event| event.record.aggregate_id).collect();
            missing.retain(|id| last.is_some_and(|last| *id == last || !came.contains(id)));
        }
        for (id, known) in read {
            // Whether it has a snapshot, a load of its own finds out.
            self.keep(store, id, &known, read_at, known.version);
            states.insert(id, known);
        }
        Ok(states)
    }

    /// Takes over what this process has committed.
    pub(crate) fn advance<A: Cached>(&self, store: &EventStore, id: Uuid, committed: &Versioned<A>) {
        self.keep(store, id, committed, 0, 0);
    }

    /// Marks the state that a heard event makes stale.
    pub(crate) fn observe(&self, event: &RecordedEvent) {
        let Some(stream) = event.stream() else { return };
        let sequence = event.record.sequence;
        if self.heard.get(&stream).is_none_or(|heard| heard < sequence) {
            self.heard.insert(stream, sequence);
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
            slot.marks.heard.fetch_max(sequence, Relaxed);
        }
    }

    /// Forgets the states in which something stands that `user` wrote.
    pub(crate) fn forget(&self, user: UserId) {
        self.messages.retain(|_, slot| slot.known.state.posted().is_none_or(|posted| posted.sender != user));
        self.conversations.retain(|_, slot| slot.known.state.settings_by() != user);
    }

    /// A seq that a conversation has reached, as far as this process knows.
    pub(crate) fn head(&self, conversation: Uuid) -> u64 {
        self.heads.get(&conversation).unwrap_or_default()
    }

    /// Notes that a conversation has reached `seq`.
    pub(crate) fn learn_head(&self, conversation: Uuid, seq: u64) {
        if seq > self.head(conversation) {
            self.heads.insert(conversation, seq);
        }
    }
}

/// The state of a stream as it is now, read on from `known`, or from its snapshot, whose version is answered as well.
async fn read_on<A: Cached>(
    store: &EventStore,
    stream: StreamId,
    mut known: Versioned<A>,
    mut by: Option<i64>,
) -> Result<(Versioned<A>, u64), CommandError> {
    let mut snapshot = 0;
    loop {
        let mut events = store.load_some(stream, known.version, by, PAGE).await?;
        let is_full = events.len() >= PAGE as usize;
        let first = events.first().map_or(0, |first| first.record.sequence);
        if let Some(code) = by
            && first > known.version + 1
        {
            // Another one may have taken its place meanwhile.
            let restored = store.snapshot(stream, code).await?.and_then(restored);
            match restored.filter(|restored: &Versioned<A>| restored.version + 1 >= first) {
                Some(restored) => known = restored,
                None => {
                    by = None;
                    continue;
                }
            }
            snapshot = known.version;
            events.retain(|event| event.record.sequence > known.version);
        }
        known = fold(store, known, &events).await?;
        if !is_full {
            return Ok((known, snapshot));
        }
    }
}

fn restored<A: Cached>(snapshot: Snapshot) -> Option<Versioned<A>> {
    let state = serde_json::from_slice(&snapshot.state).ok()?;
    Some(Versioned { version: snapshot.version, state: Arc::new(state) })
}

/// The state after `events`, which follow directly on `before`.
pub(crate) async fn fold<A: Cached>(
    store: &EventStore,
    before: Versioned<A>,
    events: &[Arc<RecordedEvent>],
) -> Result<Versioned<A>, CommandError> {
    if events.is_empty() {
        return Ok(before);
    }
    let mut version = before.version;
    let mut state = Arc::unwrap_or_clone(before.state);
    for recorded in events {
        let event = store.open_event(recorded).await?.clone();
        let event = A::Event::try_from(event).map_err(|_| {
            CommandError::Internal(format!("{} is not of a {}", recorded.record.position, A::AGGREGATE))
        })?;
        state.apply(event);
        version = recorded.record.sequence;
    }
    Ok(Versioned { version, state: Arc::new(state) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        ConversationId, Tier, Timestamp,
        own_settings::{OwnSettingsAct, OwnSettingsCommand},
    };
    use event_store::{Append, CommandKey, Keys, NewEvent, Origin, Retention, Settings};
    use testkit::{Home, each_engine};

    async fn open(home: &Home) -> EventStore {
        let (location, keys) = (home.log(), Keys { master: [7; 32] });
        let clock = || Timestamp::from_millis(1_795_460_818_000);
        EventStore::open(Settings { location, connections: 2, partitions: 4, keys, clock }).await.unwrap().0
    }

    fn applied<A: Aggregate>(mut state: A, event: A::Event) -> A {
        state.apply(event);
        state
    }

    /// Mutes and unmutes, so that the stream grows; answers the state that follows.
    async fn toggle(store: &EventStore, id: Uuid, before: Versioned<OwnSettings>) -> Versioned<OwnSettings> {
        let act = match before.state.muted() {
            Some(_) => OwnSettingsAct::Unmute,
            None => OwnSettingsAct::Mute { until: None },
        };
        let (conversation, user) = (ConversationId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let event = before.state.decide(OwnSettingsCommand { conversation, user, head: 0, act }).unwrap().remove(0);
        let (stream, sequence) = (StreamId::new(AggregateType::OwnSettings, id), before.version + 1);
        let state = applied(Arc::unwrap_or_clone(before.state), event.clone());
        let append = Append {
            origin: Origin::default(),
            key: CommandKey { owner: "owner".to_owned(), key: format!("{id} {sequence}") },
            request_hash: [0; 32],
            retention: Retention::Week,
            tier: Tier::Medium,
            guards: Vec::new(),
            claims: Vec::new(),
            secrets: Vec::new(),
            events: vec![NewEvent { stream, sequence, event: event.into() }],
        };
        store.append(append).await.unwrap();
        Versioned { version: sequence, state: Arc::new(state) }
    }

    async fn hear(store: &EventStore, states: &States, id: Uuid) {
        for event in store.load(StreamId::new(AggregateType::OwnSettings, id), 0).await.unwrap() {
            states.observe(&event);
        }
    }

    each_engine!(a_heard_event_makes_a_state_stale_and_it_is_read_on_from, |home| async move {
        let (store, states, id) = (open(&home).await, States::new(), Uuid::from_u128(7));
        let first = toggle(&store, id, Versioned::default()).await;
        states.load::<OwnSettings>(&store, id, Freshness::Cached).await.unwrap();
        let second = toggle(&store, id, first).await;
        hear(&store, &states, id).await;
        assert_eq!(states.known::<OwnSettings>(id).unwrap().version, 1, "what was folded is kept");
        assert!(states.current::<OwnSettings>(id).is_none());
        let many = states.load_many::<OwnSettings>(&store, &[id], Freshness::Cached).await.unwrap();
        assert_eq!(many[&id].version, 2);
        let (known, remembered) = states.load::<OwnSettings>(&store, id, Freshness::Cached).await.unwrap();
        assert_eq!((known.version, remembered), (2, true));
        assert_eq!(*known.state, *second.state);
    });

    each_engine!(an_own_event_that_is_heard_before_it_is_noted_costs_nothing, |home| async move {
        let (store, states, id) = (open(&home).await, States::new(), Uuid::from_u128(7));
        let mut now = Versioned::default();
        for _ in 0..3 {
            now = toggle(&store, id, now).await;
            hear(&store, &states, id).await;
            states.advance(&store, id, &now);
            assert_eq!(states.current::<OwnSettings>(id).unwrap().version, now.version);
        }
    });

    each_engine!(of_those_who_ask_for_a_stream_at_once_one_reads_it, |home| async move {
        let (store, states, id) = (open(&home).await, States::new(), Uuid::from_u128(7));
        toggle(&store, id, Versioned::default()).await;
        let load = || states.load::<OwnSettings>(&store, id, Freshness::Fresh);
        let loads = futures_util::future::join_all((0..50).map(|_| load())).await;
        assert!(loads.into_iter().all(|load| load.unwrap().0.version == 1));
        assert_eq!(states.tick(), 1 + 50 + 2, "each that asked has ticked, and two that read");
        assert!(!states.loads.is_taken(StreamId::new(AggregateType::OwnSettings, id)));
    });

    each_engine!(long_streams_are_read_in_pages, |home| async move {
        let (store, states) = (open(&home).await, States::new());
        let ids: Vec<_> = (1..=3).map(Uuid::from_u128).collect();
        for id in &ids {
            let mut now = Versioned::default();
            for _ in 0..500 {
                now = toggle(&store, *id, now).await;
            }
        }
        let many = states.load_many::<OwnSettings>(&store, &ids, Freshness::Fresh).await.unwrap();
        assert!(ids.iter().all(|id| many[id].version == 500 && many[id].state.muted().is_none()));
    });

    each_engine!(a_long_stream_is_loaded_from_its_snapshot, |home| async move {
        let (store, states, id) = (open(&home).await, States::new(), Uuid::from_u128(7));
        let stream = StreamId::new(AggregateType::OwnSettings, id);
        let mut now = Versioned::default();
        for _ in 0..SNAPSHOT_EVERY + 3 {
            now = toggle(&store, id, now).await;
        }
        states.load::<OwnSettings>(&store, id, Freshness::Cached).await.unwrap();
        let kept = async || store.snapshot(stream, fold::OWN_SETTINGS).await.unwrap();
        while kept().await.is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(kept().await.unwrap().version, now.version);
        now = toggle(&store, id, now).await;

        let events = store.load_some(stream, 0, OwnSettings::FOLD, PAGE).await.unwrap();
        assert_eq!(events.len(), 2, "the last event in it, and what follows");
        let fresh = States::new();
        let (known, _) = fresh.load::<OwnSettings>(&store, id, Freshness::Cached).await.unwrap();
        assert_eq!((known.version, &known.state), (now.version, &now.state));
        let many = States::new().load_many::<OwnSettings>(&store, &[id], Freshness::Cached).await.unwrap();
        assert_eq!((many[&id].version, &many[&id].state), (now.version, &now.state));

        let damaged = Snapshot { version: now.version, state: b"no state".to_vec() };
        store.keep_snapshot(stream, fold::OWN_SETTINGS, &damaged, &[]).await.unwrap();
        let (known, _) = States::new().load::<OwnSettings>(&store, id, Freshness::Cached).await.unwrap();
        assert_eq!((known.version, &known.state), (now.version, &now.state), "it is folded anew");
    });
}
