//! Renders events as pushes, keeping recently folded streams.

use super::{Push, fold::Folded, opened::open, render::render};
use domain::{Event, UserId, message::MessageEvent, read_marker::ReadMarkerEvent, story::StoryEvent};
use event_store::{EventStore, ReadError, RecordedEvent, StreamId};
use quick_cache::{Weighter, sync::Cache};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};
use uuid::Uuid;

/// Streams whose newest fold is expected to be kept, and what all of them may take of memory, in bytes: a group of 1,000 is
/// as large as 200 messages.
const FOLDS: usize = 20_000;
const FOLDS_BYTES: u64 = 64 << 20;
/// Folds of long streams as they were earlier, at every [`STEP`]th event, and what they may take, in bytes.
const EARLIER: usize = 4_096;
const EARLIER_BYTES: u64 = 32 << 20;
/// How many events are read to come to an event that was some time ago, and at a time.
const STEP: u64 = 256;
/// How many steps back an earlier fold is looked for.
const STEPS: usize = 64;
/// Messages that are known by their seq.
const POSTED: usize = 20_000;

/// Renders events as pushes. Clones share what they keep.
#[derive(Clone)]
pub struct Pushes {
    store: EventStore,
    folds: Arc<Cache<StreamId, Arc<Fold>, ByWeight>>,
    earlier: Arc<Cache<(StreamId, u64), Arc<Fold>, ByWeight>>,
    /// The messages of conversations by their seq.
    posted: Arc<Cache<(Uuid, u64), Uuid>>,
    /// How often somebody was forgotten: what was folded before is not kept after.
    forgotten: Arc<AtomicU64>,
}

/// A stream folded up to `sequence`.
#[derive(Clone)]
pub(super) struct Fold {
    pub(super) sequence: u64,
    pub(super) folded: Folded,
}

/// Weighs a fold by the memory it takes.
#[derive(Clone)]
struct ByWeight;

impl<K> Weighter<K, Arc<Fold>> for ByWeight {
    fn weight(&self, _key: &K, fold: &Arc<Fold>) -> u64 {
        fold.folded.weight()
    }
}

impl Pushes {
    /// Renders events of `store`.
    #[must_use]
    pub fn new(store: EventStore) -> Self {
        let folds = Arc::new(Cache::with_weighter(FOLDS, FOLDS_BYTES, ByWeight));
        let earlier = Arc::new(Cache::with_weighter(EARLIER, EARLIER_BYTES, ByWeight));
        let posted = Arc::new(Cache::new(POSTED));
        Self { store, folds, earlier, posted, forgotten: Arc::default() }
    }

    /// Renders what `store` reads, sharing what was folded.
    #[must_use]
    pub fn over(&self, store: EventStore) -> Self {
        let (folds, posted) = (Arc::clone(&self.folds), Arc::clone(&self.posted));
        Self { store, folds, earlier: Arc::clone(&self.earlier), posted, forgotten: Arc::clone(&self.forgotten) }
    }

    /// Remembers which message has which seq, for those who read up to it.
    pub fn observe(&self, event: &RecordedEvent, opened: &Event) {
        if let Event::Message(MessageEvent::Sent { .. }) = opened {
            let record = &event.record;
            self.posted.insert((record.scope, record.scope_seq), record.aggregate_id);
        }
    }

    /// Drops the folds in which something stands that `user` wrote.
    pub fn forget(&self, user: UserId) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.folds.retain(|stream, fold| stream.id != user.0 && !fold.folded.holds(user));
        self.earlier.retain(|(stream, _), fold| stream.id != user.0 && !fold.folded.holds(user));
    }

    /// The message up to which somebody has read, if it is remembered.
    fn read_up_to(&self, event: &Event) -> Option<Uuid> {
        match event {
            Event::ReadMarker(ReadMarkerEvent::Read { conversation, seq, .. }) => {
                self.posted.get(&(conversation.0, *seq))
            }
            _ => None,
        }
    }

    /// The push of one event; `None` when it is not pushed.
    ///
    /// # Errors
    /// [`ReadError`] when its stream must be read and cannot.
    pub async fn render(&self, event: &Arc<RecordedEvent>) -> Result<Option<Arc<Push>>, ReadError> {
        let pushes = self.render_all(std::slice::from_ref(event)).await?;
        Ok(pushes.into_iter().next().flatten())
    }

    /// The pushes of events in position order, with at most one statement for all of them.
    ///
    /// # Errors
    /// [`ReadError`] when their streams must be read and cannot.
    pub async fn render_all(&self, events: &[Arc<RecordedEvent>]) -> Result<Vec<Option<Arc<Push>>>, ReadError> {
        let forgotten = self.forgotten();
        let mut pushes = vec![None; events.len()];
        let mut streams: BTreeMap<StreamId, Vec<usize>> = BTreeMap::new();
        for (at, event) in events.iter().enumerate() {
            if let Some(stream) = event.stream() {
                streams.entry(stream).or_default().push(at);
            }
        }
        let sequence = |at: &usize| events[*at].record.sequence;
        let mut bases = HashMap::new();
        let mut unknown = Vec::new();
        for (stream, wanted) in &streams {
            match self.base(*stream, wanted.iter().map(sequence)) {
                Some(base) => drop(bases.insert(*stream, base)),
                None => {
                    let base = self.near(*stream, wanted.first().map_or(0, sequence)).await?;
                    unknown.push((*stream, base.sequence, wanted.last().map_or(0, sequence)));
                    bases.insert(*stream, base);
                }
            }
        }
        let loaded = self.store.load_between(&unknown).await?;
        let mut histories: HashMap<StreamId, Vec<Arc<RecordedEvent>>> = HashMap::new();
        for event in loaded {
            if let Some(stream) = event.stream() {
                histories.entry(stream).or_default().push(event);
            }
        }
        for (stream, wanted) in streams {
            let mut fold = bases.remove(&stream).unwrap_or_else(|| Fold::new(stream));
            let mut history = histories.remove(&stream).unwrap_or_default().into_iter().peekable();
            for at in wanted {
                let event = &events[at];
                let until = event.record.sequence;
                while let Some(before) = history.next_if(|before| before.record.sequence < until) {
                    fold.apply(&self.store, &before).await?;
                }
                fold.apply(&self.store, event).await?;
                pushes[at] = self.push(event, &fold.folded).await?;
            }
            self.keep(stream, fold, forgotten);
        }
        Ok(pushes)
    }

    /// The fold from which these events of `stream` can be reached without reading the log.
    fn base(&self, stream: StreamId, mut sequences: impl Iterator<Item = u64>) -> Option<Fold> {
        if !Folded::is_needed(stream.aggregate) {
            return Some(Fold::new(stream));
        }
        let first = sequences.next()?;
        let gapless = sequences.try_fold(first, |last, next| (next == last + 1).then_some(next)).is_some();
        let base = match first {
            1 => Some(Fold::new(stream)),
            _ => self.folds.get(&stream).filter(|fold| fold.sequence + 1 == first).map(|fold| Fold::clone(&fold)),
        };
        base.filter(|_| gapless)
    }

    async fn push(&self, event: &RecordedEvent, folded: &Folded) -> Result<Option<Arc<Push>>, ReadError> {
        let Some(opened) = open(&self.store, event).await? else { return Ok(None) };
        let data = render(opened, &event.record, folded);
        if data.is_none() && opened.event_type().push.is_some() {
            tracing::error!(event.position = event.record.position, "an event's stream does not lead up to it");
        }
        self.finish(event, opened, folded, data)
    }

    /// The push of an event with this `data`; `None` without data, or when such events are not pushed.
    pub(super) fn finish(
        &self,
        event: &RecordedEvent,
        opened: &Event,
        folded: &Folded,
        data: Option<Result<String, serde_json::Error>>,
    ) -> Result<Option<Arc<Push>>, ReadError> {
        let Some((name, data)) = opened.event_type().push.zip(data) else { return Ok(None) };
        let record = &event.record;
        Ok(Some(Arc::new(Push {
            position: record.position,
            tier: record.lane.tier,
            correlation: record.origin.correlation_id,
            actor: record.origin.actor,
            posted: folded.seq().map(|seq| (record.scope, seq)),
            hidden_from: folded.hidden_from(),
            expires_at: folded.expires_at().filter(|_| shows_story(opened)),
            name,
            at: record.recorded_at,
            data: data.map_err(|error| ReadError::Damaged(error.to_string()))?,
            message: self.read_up_to(opened),
            socket_io: OnceLock::new(),
        })))
    }

    /// A fold of a stream that at most [`STEP`] events lead from to `sequence`. What lies before is read in portions, and
    /// folds on the way are kept for those who ask again.
    pub(super) async fn near(&self, stream: StreamId, sequence: u64) -> Result<Fold, ReadError> {
        let forgotten = self.forgotten();
        let newest = self.folds.get(&stream).filter(|fold| fold.sequence < sequence);
        let is_far = |fold: &Fold| fold.sequence + STEP < sequence;
        let mut fold = newest.map_or_else(|| Fold::new(stream), |fold| Fold::clone(&fold));
        if is_far(&fold) {
            let steps = (1..=(sequence - 1) / STEP).rev().take(STEPS);
            let earlier = steps.map(|step| (stream, step)).find_map(|step| self.earlier.get(&step));
            if let Some(earlier) = earlier.filter(|earlier| earlier.sequence > fold.sequence) {
                fold = Fold::clone(&earlier);
            }
        }
        while is_far(&fold) {
            let events = self.store.load_some(stream, fold.sequence, None, STEP as u32).await?;
            for event in events.iter().take_while(|event| event.record.sequence < sequence) {
                fold.apply(&self.store, event).await?;
                self.keep_step(stream, &fold, forgotten);
            }
            if events.len() < STEP as usize {
                break;
            }
        }
        Ok(fold)
    }

    /// The newest fold of a stream that is kept.
    pub(super) fn newest(&self, stream: StreamId) -> Option<Fold> {
        self.folds.get(&stream).map(|fold| Fold::clone(&fold))
    }

    fn keep_step(&self, stream: StreamId, fold: &Fold, forgotten: u64) {
        if fold.sequence.is_multiple_of(STEP) && Folded::is_needed(stream.aggregate) {
            let step = (stream, fold.sequence / STEP);
            self.earlier.insert(step, Arc::new(fold.clone()));
            if self.forgotten() != forgotten {
                self.earlier.remove(&step);
            }
        }
    }

    /// How often somebody was forgotten.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }

    /// Keeps the newest fold of a stream, unless somebody was forgotten since it was begun.
    pub(super) fn keep(&self, stream: StreamId, fold: Fold, forgotten: u64) {
        self.keep_step(stream, &fold, forgotten);
        let newer = self.folds.peek(&stream).is_none_or(|kept| kept.sequence < fold.sequence);
        if newer && Folded::is_needed(stream.aggregate) {
            self.folds.insert(stream, Arc::new(fold));
            if self.forgotten() != forgotten {
                self.folds.remove(&stream);
            }
        }
    }

    /// Where events are read.
    pub(super) const fn store(&self) -> &EventStore {
        &self.store
    }
}

impl Fold {
    pub(super) fn new(stream: StreamId) -> Self {
        Self { sequence: 0, folded: Folded::new(stream.aggregate) }
    }

    /// Takes an event that follows; one that is already in the fold changes nothing.
    pub(super) async fn apply(&mut self, store: &EventStore, event: &RecordedEvent) -> Result<(), ReadError> {
        if event.record.sequence > self.sequence {
            self.sequence = event.record.sequence;
            if let Some(opened) = open(store, event).await? {
                self.folded.apply(&event.record, opened);
            }
        }
        Ok(())
    }
}

/// Whether a push shows something of a story, and not only that it is gone.
const fn shows_story(event: &Event) -> bool {
    use StoryEvent as Happened;
    let Event::Story(event) = event else { return false };
    !matches!(event, Happened::Deleted { .. } | Happened::Expired { .. } | Happened::CommentDeleted { .. })
}
