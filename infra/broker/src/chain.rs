//! The known events of one lane (or, over all partitions, one tier): the next one, and those behind a gap.

use event_store::{Position, RecordedEvent};
use std::{collections::BTreeMap, sync::Arc};
use tokio::time::Instant;

/// The events of one lane that were received and not yet yielded.
#[derive(Debug)]
pub(crate) struct Chain {
    /// Every event of the lane up to here was yielded or is waiting.
    known: Position,
    waiting: BTreeMap<Position, Waiting>,
}

/// A received event, and the positions it waits for.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) event: Arc<RecordedEvent>,
    /// The event before it in the lane, or any position since which there was none.
    pub(crate) previous: Position,
    /// Up to where the high events must be known before a medium one may be yielded.
    pub(crate) high: Position,
    /// When it was received.
    pub(crate) since: Instant,
}

impl Chain {
    /// A chain that begins after `yielded`.
    pub(crate) const fn new(yielded: Position) -> Self {
        Self { known: yielded, waiting: BTreeMap::new() }
    }

    pub(crate) const fn known(&self) -> Position {
        self.known
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds an event; a known one changes nothing.
    pub(crate) fn insert(&mut self, new: Waiting) {
        let position = new.event.record.position;
        if position <= self.known {
            return;
        }
        self.waiting
            .entry(position)
            .and_modify(|old| {
                old.previous = old.previous.min(new.previous);
                old.high = old.high.min(new.high);
            })
            .or_insert(new);
        self.extend();
    }

    /// Every event up to `position` was added.
    pub(crate) fn cover(&mut self, position: Position) {
        self.known = self.known.max(position);
        self.extend();
    }

    /// The first event, unless one before it is missing.
    pub(crate) fn front(&self) -> Option<(Position, &Waiting)> {
        self.waiting.first_key_value().map(|(position, waiting)| (*position, waiting)).filter(|(p, _)| *p <= self.known)
    }

    /// The first event behind a gap.
    pub(crate) fn behind_gap(&self) -> Option<&Waiting> {
        self.waiting.range(self.known.saturating_add(1)..).next().map(|(_, waiting)| waiting)
    }

    pub(crate) fn pop(&mut self) -> Option<Arc<RecordedEvent>> {
        self.waiting.pop_first().map(|(_, waiting)| waiting.event)
    }

    fn extend(&mut self) {
        let mut ahead = self.waiting.range(self.known.saturating_add(1)..);
        while let Some((position, _)) = ahead.next().filter(|(_, waiting)| waiting.previous <= self.known) {
            self.known = *position;
        }
    }
}
