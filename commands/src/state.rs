//! The write side's own states: folded from their streams, cached, and safe to be stale, because every append
//! checks the versions its decision rests on (I9).

use crate::CommandError;
use domain::{
    Aggregate, AggregateType, Event, UserId, administration::Administration, audit::AuditReading, call::Call,
    conduct::Conduct, conversation::Conversation, file::File, friendship::Friendship, message::Message,
    own_settings::OwnSettings, read_marker::ReadMarker, report::Report, session::Session, story::Story, user::User,
};
use event_store::{EventStore, NewEvent, RecordedEvent, StreamId};
use quick_cache::{Weighter, sync::Cache};
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// How much memory the states of each aggregate may take, in bytes (roughly).
const BUDGET: u64 = 32 * 1024 * 1024;
/// How many states of each aggregate are expected within it.
const EXPECTED: usize = 20_000;

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
}

type Kept<A> = Cache<Uuid, Versioned<A>, Bytes>;

/// Weighs a state by the memory it takes.
#[derive(Clone)]
pub(crate) struct Bytes;

impl<A: Cached> Weighter<Uuid, Versioned<A>> for Bytes {
    fn weight(&self, _id: &Uuid, known: &Versioned<A>) -> u64 {
        known.state.weight()
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
}

macro_rules! cached {
    ($($aggregate:ident in $field:ident weighs |$state:ident| $weight:expr;)*) => {$(
        impl Cached for $aggregate {
            fn cache(states: &States) -> &Kept<Self> {
                &states.$field
            }
            fn weight(&self) -> u64 {
                let $state = self;
                $weight
            }
        }
    )*};
}
cached! {
    User in users weighs |_user| 1_024;
    Session in sessions weighs |_session| 256;
    Friendship in friendships weighs |_pair| 256;
    Conversation in conversations weighs |conversation|
        512 + 96 * conversation.size() as u64 + 192 * conversation.invites().len() as u64;
    Message in messages weighs |message| 512 + 2 * message.posted().map_or(0, |posted| {
        posted.content.as_ref().map_or(0, |content| content.body.as_str().len() + 256 * content.attachments.len()) as u64
    });
    ReadMarker in read_markers weighs |_marker| 256;
    Conduct in conducts weighs |_conduct| 256;
    AuditReading in readings weighs |_reading| 128;
    Call in calls weighs |call| 256 + 48 * call.size() as u64;
    OwnSettings in own_settings weighs |_settings| 256;
    File in files weighs |_file| 256;
    Story in stories weighs |story| 512 + 48 * (story.told().len() + story.likes() + story.views() + story.comments()) as u64
        + story.content().map_or(0, |content| content.text.as_str().len() as u64);
    Report in reports weighs |_report| 16 * 1_024;
    Administration in administrations weighs |_act| 64;
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
        self.keep(id, &now);
        Ok((now, false))
    }

    /// Remembers a state, unless a later one is known or heard of.
    fn keep<A: Cached>(&self, id: Uuid, state: &Versioned<A>) {
        if self.known::<A>(id).is_some_and(|known| known.version > state.version) {
            return;
        }
        A::cache(self).insert(id, state.clone());
        if self.heard.get(&StreamId::new(A::AGGREGATE, id)).is_some_and(|heard| heard > state.version) {
            A::cache(self).remove(&id);
        }
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
            self.keep(stream.id, state);
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
            Event::Call(event) => self.advance_one::<Call>(id, sequence, event),
            Event::OwnSettings(event) => self.advance_one::<OwnSettings>(id, sequence, event),
            Event::File(event) => self.advance_one::<File>(id, sequence, event),
            Event::Conduct(event) => self.advance_one::<Conduct>(id, sequence, event),
            Event::Story(event) => self.advance_one::<Story>(id, sequence, event),
            Event::Report(event) => self.advance_one::<Report>(id, sequence, event),
            Event::Administration(event) => self.advance_one::<Administration>(id, sequence, event),
            Event::Audit(event) => self.advance_one::<AuditReading>(id, sequence, event),
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
            self.keep(id, &Versioned { version: sequence, state: Arc::new(state) });
        } else if known.version < sequence {
            A::cache(self).remove(&id);
        }
    }

    /// Forgets the state that a heard event makes stale.
    pub(crate) fn observe(&self, event: &RecordedEvent) {
        let Some(stream) = event.stream() else { return };
        let sequence = event.record.sequence;
        if self.heard.get(&stream).is_none_or(|heard| heard < sequence) {
            self.heard.insert(stream, sequence);
        }
        match stream.aggregate {
            AggregateType::User => self.forget_older::<User>(stream.id, sequence),
            AggregateType::Session => self.forget_older::<Session>(stream.id, sequence),
            AggregateType::Friendship => self.forget_older::<Friendship>(stream.id, sequence),
            AggregateType::Conversation => self.forget_older::<Conversation>(stream.id, sequence),
            AggregateType::Message => self.forget_older::<Message>(stream.id, sequence),
            AggregateType::ReadMarker => self.forget_older::<ReadMarker>(stream.id, sequence),
            AggregateType::Call => self.forget_older::<Call>(stream.id, sequence),
            AggregateType::OwnSettings => self.forget_older::<OwnSettings>(stream.id, sequence),
            AggregateType::File => self.forget_older::<File>(stream.id, sequence),
            AggregateType::Conduct => self.forget_older::<Conduct>(stream.id, sequence),
            AggregateType::Story => self.forget_older::<Story>(stream.id, sequence),
            AggregateType::Report => self.forget_older::<Report>(stream.id, sequence),
            AggregateType::Administration => self.forget_older::<Administration>(stream.id, sequence),
            AggregateType::Audit => self.forget_older::<AuditReading>(stream.id, sequence),
        }
        if stream.aggregate == AggregateType::Message {
            self.learn_head(event.record.scope, event.record.scope_seq);
        }
    }

    /// Forgets the states in which something stands that `user` wrote.
    pub(crate) fn forget(&self, user: UserId) {
        self.messages.retain(|_, known| known.state.posted().is_none_or(|posted| posted.sender != user));
        self.conversations.retain(|_, known| known.state.settings_by() != user);
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
