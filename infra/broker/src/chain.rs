//! One lane (or, over all partitions, one tier) as far as it is known: what is next, and what waits behind a hole.

use event_store::{Position, RecordedEvent};
use std::{collections::BTreeMap, sync::Arc};
use tokio::time::Instant;

/// The events of one lane that were heard of and not yet yielded.
#[derive(Debug)]
pub(crate) struct Chain {
    /// Every event of the lane up to here was yielded or is waiting: nothing is missing.
    known: Position,
    waiting: BTreeMap<Position, Waiting>,
}

/// An event on its way, and what it waits for.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) event: Arc<RecordedEvent>,
    /// The event before it in the lane, or any position since which there was none.
    pub(crate) previous: Position,
    /// Up to where the high events must be known before a medium one may be yielded.
    pub(crate) high: Position,
    /// When it was heard of.
    pub(crate) since: Instant,
}

impl Chain {
    /// Nothing up to `yielded` is of interest any more.
    pub(crate) const fn new(yielded: Position) -> Self {
        Self { known: yielded, waiting: BTreeMap::new() }
    }

    pub(crate) const fn known(&self) -> Position {
        self.known
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes in an event; one that is known already changes nothing.
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

    /// There is no event up to `position` that was not taken in.
    pub(crate) fn cover(&mut self, position: Position) {
        self.known = self.known.max(position);
        self.extend();
    }

    /// The first event, with nothing missing before it.
    pub(crate) fn front(&self) -> Option<(Position, &Waiting)> {
        self.waiting.first_key_value().map(|(position, waiting)| (*position, waiting)).filter(|(p, _)| *p <= self.known)
    }

    /// The first event behind a hole.
    pub(crate) fn behind_hole(&self) -> Option<&Waiting> {
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
