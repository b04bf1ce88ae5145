//! The write side's own states: folded from their streams, cached, and safe to be stale, because every append
//! checks the versions its decision rests on (I9).

use crate::CommandError;
use domain::{
    Aggregate, AggregateType, Event, conversation::Conversation, friendship::Friendship, message::Message,
    read_marker::ReadMarker, session::Session, user::User,
};
use event_store::{EventStore, NewEvent, RecordedEvent, StreamId};
use quick_cache::sync::Cache;
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// How many states of each aggregate are kept.
const CAPACITY: usize = 20_000;

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
    fn cache(states: &States) -> &Cache<Uuid, Versioned<Self>>;
}

/// The states that this process remembers.
pub(crate) struct States {
    users: Cache<Uuid, Versioned<User>>,
    sessions: Cache<Uuid, Versioned<Session>>,
    friendships: Cache<Uuid, Versioned<Friendship>>,
    conversations: Cache<Uuid, Versioned<Conversation>>,
    messages: Cache<Uuid, Versioned<Message>>,
    read_markers: Cache<Uuid, Versioned<ReadMarker>>,
    heads: Cache<Uuid, u64>,
}

macro_rules! cached {
    ($($aggregate:ident in $field:ident),*) => {$(
        impl Cached for $aggregate {
            fn cache(states: &States) -> &Cache<Uuid, Versioned<Self>> {
                &states.$field
            }
        }
    )*};
}
cached!(
    User in users,
    Session in sessions,
    Friendship in friendships,
    Conversation in conversations,
    Message in messages,
    ReadMarker in read_markers
);

impl States {
    pub(crate) fn new() -> Self {
        Self {
            users: Cache::new(CAPACITY),
            sessions: Cache::new(CAPACITY),
            friendships: Cache::new(CAPACITY),
            conversations: Cache::new(CAPACITY),
            messages: Cache::new(CAPACITY),
            read_markers: Cache::new(CAPACITY),
            heads: Cache::new(CAPACITY),
        }
    }

    /// What this process remembers of a stream.
    pub(crate) fn known<A: Cached>(&self, id: Uuid) -> Option<Versioned<A>> {
        A::cache(self).get(&id)
    }

    /// The state of a stream, and whether it is only remembered.
    pub(crate) async fn load<A: Cached>(
        &self,
        store: &EventStore,
        id: Uuid,
        freshness: Freshness,
    ) -> Result<(Versioned<A>, bool), CommandError> {
        let known = match (self.known(id), freshness) {
            (Some(known), Freshness::Cached) => return Ok((known, true)),
            (known, _) => known.unwrap_or_default(),
        };
        let events = store.load(StreamId::new(A::AGGREGATE, id), known.version).await?;
        let now = fold(store, known, &events).await?;
        A::cache(self).insert(id, now.clone());
        Ok((now, false))
    }

    /// The states of many streams, reading those that are not remembered in one statement.
    pub(crate) async fn load_many<A: Cached>(
        &self,
        store: &EventStore,
        ids: &[Uuid],
        freshness: Freshness,
    ) -> Result<HashMap<Uuid, Versioned<A>>, CommandError> {
        let mut states = HashMap::new();
        if freshness == Freshness::Cached {
            states.extend(ids.iter().filter_map(|id| Some((*id, self.known::<A>(*id)?))));
        }
        let missing: Vec<_> = ids
            .iter()
            .filter(|id| !states.contains_key(*id))
            .map(|id| (StreamId::new(A::AGGREGATE, *id), u64::MAX))
            .collect();
        if missing.is_empty() {
            return Ok(states);
        }
        let events = store.load_many(&missing).await?;
        for run in events.chunk_by(|a, b| a.record.aggregate_id == b.record.aggregate_id) {
            let state = fold::<A>(store, Versioned::default(), run).await?;
            states.insert(run[0].record.aggregate_id, state);
        }
        for (stream, _) in missing {
            let state = states.entry(stream.id).or_default();
            A::cache(self).insert(stream.id, state.clone());
        }
        Ok(states)
    }

    /// Takes over an event that this process committed.
    pub(crate) fn advance(&self, new: &NewEvent) {
        let (id, sequence) = (new.stream.id, new.sequence);
        match new.event.clone() {
            Event::User(event) => self.advance_one::<User>(id, sequence, event),
            Event::Session(event) => self.advance_one::<Session>(id, sequence, event),
            Event::Friendship(event) => self.advance_one::<Friendship>(id, sequence, event),
            Event::Conversation(event) => self.advance_one::<Conversation>(id, sequence, event),
            Event::Message(event) => self.advance_one::<Message>(id, sequence, event),
            Event::ReadMarker(event) => self.advance_one::<ReadMarker>(id, sequence, event),
        }
    }

    fn advance_one<A: Cached>(&self, id: Uuid, sequence: u64, event: A::Event) {
        let known = self.known::<A>(id);
        if known.is_none() && sequence > 1 {
            return;
        }
        let known = known.unwrap_or_default();
        if known.version + 1 == sequence {
            let mut state = Arc::unwrap_or_clone(known.state);
            state.apply(event);
            A::cache(self).insert(id, Versioned { version: sequence, state: Arc::new(state) });
        } else if known.version < sequence {
            A::cache(self).remove(&id);
        }
    }

    /// Forgets the state that a heard event makes stale.
    pub(crate) fn observe(&self, event: &RecordedEvent) {
        let Some(stream) = event.stream() else { return };
        let sequence = event.record.sequence;
        match stream.aggregate {
            AggregateType::User => self.forget_older::<User>(stream.id, sequence),
            AggregateType::Session => self.forget_older::<Session>(stream.id, sequence),
            AggregateType::Friendship => self.forget_older::<Friendship>(stream.id, sequence),
            AggregateType::Conversation => self.forget_older::<Conversation>(stream.id, sequence),
            AggregateType::Message => self.forget_older::<Message>(stream.id, sequence),
            AggregateType::ReadMarker => self.forget_older::<ReadMarker>(stream.id, sequence),
        }
        if stream.aggregate == AggregateType::Message {
            self.learn_head(event.record.scope, event.record.scope_seq);
        }
    }

    fn forget_older<A: Cached>(&self, id: Uuid, sequence: u64) {
        if self.known::<A>(id).is_some_and(|known| known.version < sequence) {
            A::cache(self).remove(&id);
        }
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
