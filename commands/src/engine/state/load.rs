//! Reads a stream, from its snapshot if it has one, and folds it.

use super::Cached;
use crate::CommandError;
use event_store::{EventStore, RecordedEvent, Snapshot, StreamId};
use std::sync::Arc;

/// The events read at a time.
pub(super) const PAGE: u32 = if cfg!(test) { 200 } else { 1_024 };

/// A state and the version of its stream (0: the stream has no event).
#[derive(Debug)]
pub struct Versioned<A> {
    /// The sequence of the last folded event.
    pub version: u64,
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

/// The current state of a stream, read on from `known` or from its snapshot; returns the snapshot's version, too.
pub(super) async fn read_on<A: Cached>(
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
            // A newer snapshot may have replaced it meanwhile.
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

/// The state after `events`, which follow `before` without a gap.
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
