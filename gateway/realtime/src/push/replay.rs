//! Replayed pushes: the event as it happened, without content removed since.
//!
//! A deleted message is replayed as its tombstone, a replaced text or title as the latest. A story that is over, or no
//! longer visible to the reader, is not replayed. The current state is read from the event's whole stream, never from a
//! read model, which may lag behind.

use super::{
    Push,
    again::Again,
    fold::{Folded, MessageFold},
    opened::{open, take},
    pushes::{Fold, Pushes},
    render::{conversation, json, message, render, user},
};
use domain::{
    AggregateType, Event, Timestamp, UserId,
    friendship::{Friendship, FriendshipEvent},
    id::PairId,
    message::MessageEvent,
};
use event_store::{ReadError, Record, RecordedEvent, StreamId};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, LazyLock},
};

/// A stream with replayed events: folded up to the next of them, and as it is now.
struct Track {
    at: Fold,
    now: Fold,
    /// What follows the fold with which this began.
    events: std::vec::IntoIter<Arc<RecordedEvent>>,
}

/// A pair, as it is now, and how it came to it.
#[derive(Default)]
struct Pair {
    state: Friendship,
    events: Vec<(u64, FriendshipEvent)>,
}

static STRANGERS: LazyLock<Friendship> = LazyLock::new(Friendship::default);

impl Pushes {
    /// The pushes of events in position order, as `reader` may see them at `now`; fewer than there are events once they
    /// exceed `bytes`, but at least one. `None` stands for an event that is not replayed. One statement at most, and
    /// one load per distinct stream.
    ///
    /// # Errors
    /// [`ReadError`] when their streams must be read and cannot.
    pub async fn replay(
        &self,
        reader: UserId,
        now: Timestamp,
        events: &[Arc<RecordedEvent>],
        bytes: usize,
    ) -> Result<Vec<Option<Arc<Push>>>, ReadError> {
        let (mut tracks, pairs) = self.read_again(reader, events).await?;
        let mut pushes = Vec::with_capacity(events.len());
        let mut taken = 0;
        for event in events {
            if taken > bytes {
                break;
            }
            let push = self.push_again(reader, now, event, &mut tracks, &pairs).await?;
            taken += push.as_ref().map_or(0, |push| push.bytes());
            pushes.push(push);
        }
        Ok(pushes)
    }

    async fn push_again(
        &self,
        reader: UserId,
        now: Timestamp,
        event: &Arc<RecordedEvent>,
        tracks: &mut HashMap<StreamId, Track>,
        pairs: &HashMap<StreamId, Pair>,
    ) -> Result<Option<Arc<Push>>, ReadError> {
        let (Some(stream), Some(opened)) = (event.stream(), open(self.store(), event).await?) else { return Ok(None) };
        let author = UserId(event.record.scope);
        let author_acts = || match tracks.get(&account_of(author)).map(|track| &track.now.folded) {
            Some(Folded::User(account)) => account.state.may_act().is_ok(),
            _ => author == reader,
        };
        let pair = pairs.get(&pair_of(reader, author));
        let by = event.record.origin.actor.and_then(|by| pairs.get(&pair_of(reader, UserId(by))));
        let again = Again {
            reader,
            now,
            pair: pair.map_or(&*STRANGERS, |pair| &pair.state),
            author_acts: stream.aggregate == AggregateType::Story && author_acts(),
            is_blocked_either_way: by.is_some_and(|pair| pair.state.is_blocked()),
        };
        if let Event::Friendship(happened) = opened {
            let is_replayed =
                pairs.get(&stream).is_none_or(|pair| pair.is_replayed(reader, event.record.sequence, happened));
            let data = render(opened, &event.record, &Folded::Nothing).filter(|_| is_replayed);
            return self.finish(event, opened, &Folded::Nothing, data);
        }
        let Some(track) = tracks.get_mut(&stream) else {
            let data = render(opened, &event.record, &Folded::Nothing);
            return self.finish(event, opened, &Folded::Nothing, data);
        };
        let until = event.record.sequence;
        let store = self.store();
        while track.events.as_slice().first().is_some_and(|next| next.record.sequence <= until) {
            let Some(next) = track.events.next() else { break };
            track.at.apply(store, &next).await?;
        }
        let data = render_again(opened, &event.record, &track.at.folded, &track.now.folded, &again);
        self.finish(event, opened, &track.at.folded, data)
    }

    /// Reads what the streams of these events are, and what became of them.
    async fn read_again(
        &self,
        reader: UserId,
        events: &[Arc<RecordedEvent>],
    ) -> Result<(HashMap<StreamId, Track>, HashMap<StreamId, Pair>), ReadError> {
        let forgotten = self.forgotten();
        let mut wanted: BTreeMap<StreamId, Vec<Arc<RecordedEvent>>> = BTreeMap::new();
        let mut pairs = HashSet::new();
        for event in events {
            let Some(stream) = event.stream() else { continue };
            match stream.aggregate {
                AggregateType::Friendship => drop(pairs.insert(stream)),
                AggregateType::Story => {
                    let author = UserId(event.record.scope);
                    if author != reader {
                        wanted.entry(account_of(author)).or_default();
                    }
                    let concerned = [Some(author), event.record.origin.actor.map(UserId)].into_iter().flatten();
                    pairs.extend(concerned.filter(|user| *user != reader).map(|user| pair_of(reader, user)));
                    wanted.entry(stream).or_default().push(Arc::clone(event));
                }
                aggregate if Folded::is_needed(aggregate) => {
                    wanted.entry(stream).or_default().push(Arc::clone(event));
                }
                _ => (),
            }
        }
        let mut bases = HashMap::new();
        let mut asked: Vec<_> = pairs.iter().map(|pair| (*pair, 0, u64::MAX)).collect();
        for (stream, events) in &wanted {
            let newest = self.newest(*stream);
            let (Some(first), Some(last)) = (events.first(), events.last()) else {
                // As it is now: none of its events is replayed.
                let base = newest.unwrap_or_else(|| Fold::new(*stream));
                asked.push((*stream, base.sequence, u64::MAX));
                bases.insert(*stream, (base, None));
                continue;
            };
            let base = self.near(*stream, first.record.sequence).await?;
            let after = follows(base.sequence, events);
            let newest = newest.filter(|newest| newest.sequence >= last.record.sequence);
            match &newest {
                Some(newest) => {
                    asked.push((*stream, after, last.record.sequence));
                    asked.push((*stream, newest.sequence, u64::MAX));
                }
                None => asked.push((*stream, after, u64::MAX)),
            }
            bases.insert(*stream, (base, newest));
        }
        let mut histories: HashMap<StreamId, Vec<Arc<RecordedEvent>>> = HashMap::new();
        for event in self.store().load_between(&asked).await? {
            if let Some(stream) = event.stream() {
                histories.entry(stream).or_default().push(event);
            }
        }
        let mut tracks = HashMap::with_capacity(wanted.len());
        for (stream, mut events) in wanted {
            let Some((at, newest)) = bases.remove(&stream) else { continue };
            // Those of the page come first: somebody may have opened them.
            events.extend(histories.remove(&stream).unwrap_or_default());
            events.sort_by_key(|event| event.record.sequence);
            events.dedup_by_key(|event| event.record.sequence);
            events.retain(|event| event.record.sequence > at.sequence);
            let mut now = newest.unwrap_or_else(|| at.clone());
            for event in &events {
                now.apply(self.store(), event).await?;
            }
            self.keep(stream, now.clone(), forgotten);
            tracks.insert(stream, Track { at, now, events: events.into_iter() });
        }
        let mut known = HashMap::with_capacity(pairs.len());
        for stream in pairs {
            let mut pair = Pair::default();
            for event in histories.remove(&stream).unwrap_or_default() {
                if let Some(Event::Friendship(happened)) = open(self.store(), &event).await? {
                    take(&mut pair.state, happened);
                    pair.events.push((event.record.sequence, happened.clone()));
                }
            }
            known.insert(stream, pair);
        }
        Ok((tracks, known))
    }
}

/// The last sequence up to which nothing must be read: the events of the page follow on the fold without a gap.
fn follows(base: u64, events: &[Arc<RecordedEvent>]) -> u64 {
    let last = events
        .iter()
        .try_fold(base, |last, event| (event.record.sequence <= last + 1).then_some(event.record.sequence.max(last)));
    last.unwrap_or(base)
}

fn account_of(user: UserId) -> StreamId {
    StreamId::new(AggregateType::User, user)
}

fn pair_of(one: UserId, other: UserId) -> StreamId {
    StreamId::new(AggregateType::Friendship, PairId::of(one, other))
}

impl Pair {
    /// Whether an event of the pair is replayed: a withdrawn request is not, and a blocked reader receives nothing that
    /// began between them.
    fn is_replayed(&self, reader: UserId, sequence: u64, event: &FriendshipEvent) -> bool {
        let (by, with) = event.pair();
        let other = if by == reader { with } else { by };
        let mut later = self.events.iter().filter(|(at, _)| *at > sequence).map(|(_, event)| event);
        match event {
            FriendshipEvent::Requested { .. } => {
                let ended = later.find(|event| !matches!(event, FriendshipEvent::Unblocked { .. }));
                let is_withdrawn =
                    matches!(ended, Some(FriendshipEvent::Cancelled { .. } | FriendshipEvent::Blocked { .. }));
                !is_withdrawn && !self.state.is_blocked_by(other)
            }
            FriendshipEvent::Accepted { .. } => !self.state.is_blocked_by(other),
            _ => true,
        }
    }
}

/// The `data` of a replayed event, given its stream folded up to it (`at`), and as it is `now`; `None` when it is not
/// replayed to the reader.
fn render_again(
    event: &Event,
    record: &Record,
    at: &Folded,
    now: &Folded,
    again: &Again<'_>,
) -> Option<Result<String, serde_json::Error>> {
    let stream = record.aggregate_id;
    match (event, at, now) {
        (Event::Message(MessageEvent::Hidden { .. }), ..) => render(event, record, at),
        (Event::Message(happened), Folded::Message(at), Folded::Message(now)) => {
            let was_hidden = at.hidden_at.contains_key(&again.reader);
            if was_hidden && !matches!(happened, MessageEvent::Deleted { .. }) {
                return None;
            }
            Some(json(&message(stream.into(), at, now, gone(now, again.reader))?))
        }
        (Event::Conversation(happened), Folded::Conversation(at), Folded::Conversation(now))
            if is_of_settings(happened) =>
        {
            Some(json(&conversation(stream.into(), at, now, record.scope_seq)))
        }
        (Event::User(_), Folded::User(at), Folded::User(now)) => Some(json(&user(stream.into(), at, now))),
        (Event::Story(happened), Folded::Story(at), Folded::Story(now)) => {
            at.render_again(record, happened, now, again)
        }
        _ => render(event, record, at),
    }
}

/// Since when a message is not there for the reader, if it is there for others.
fn gone(now: &MessageFold, reader: UserId) -> Option<Timestamp> {
    now.hidden_at.get(&reader).copied().filter(|_| now.deleted_at.is_none())
}

const fn is_of_settings(event: &domain::conversation::ConversationEvent) -> bool {
    use domain::conversation::ConversationEvent as Happened;
    matches!(event, Happened::Created { .. } | Happened::Updated { .. })
}
