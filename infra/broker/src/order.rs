//! The order in which received events may be yielded (I12); pure. Its input is notifications, which may be lost, doubled or
//! reordered, and complete ranges of the log.

use crate::{
    Marks, Ordering,
    chain::{Chain, Waiting},
};
use domain::{Lane, Partition, Tier};
use event_store::{Head, Linked, Position, RecordedEvent};
use std::{collections::BTreeMap, sync::Arc};
use tokio::time::Instant;

/// Partitions further apart than this are not read in one scan, in which events of the later ones would be read again.
const NEAR: Position = 1_000;

/// The events that wait, and those that may be yielded.
#[derive(Debug)]
pub(crate) struct Order {
    ordering: Ordering,
    /// One per partition; with [`Ordering::Global`] a single one.
    keys: BTreeMap<Partition, Key>,
    marks: BTreeMap<Partition, Marks>,
}

#[derive(Debug)]
struct Key {
    high: Chain,
    medium: Chain,
}

/// A range of the log to read: the events of `partitions` after `after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogRange {
    pub(crate) after: Position,
    /// `None`: all.
    pub(crate) partitions: Option<Vec<Partition>>,
}

impl Order {
    pub(crate) fn new(ordering: Ordering, from: BTreeMap<Partition, Marks>) -> Self {
        let keys = match ordering {
            Ordering::Partition => from.iter().map(|(partition, marks)| (*partition, Key::new(*marks))).collect(),
            Ordering::Global => {
                let least = |mark: fn(&Marks) -> Position| from.values().map(mark).min().unwrap_or_default();
                let marks = Marks { high: least(|marks| marks.high), medium: least(|marks| marks.medium) };
                BTreeMap::from([(Partition::default(), Key::new(marks))])
            }
        };
        Self { ordering, keys, marks: from }
    }

    pub(crate) const fn marks(&self) -> &BTreeMap<Partition, Marks> {
        &self.marks
    }

    /// The number of events that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.keys.values().map(|key| key.high.len() + key.medium.len()).sum()
    }

    /// Adds an event of a notification.
    pub(crate) fn add(&mut self, Linked { event, link }: &Linked, now: Instant) {
        let (previous, high) = match self.ordering {
            Ordering::Partition => (link.lane, link.high),
            // Positions are dense. So the event right before a medium one is either the medium one of its link, which
            // itself waited for all before it, or a high one.
            Ordering::Global if link.tier + 1 == event.record.position => (link.tier, 0),
            Ordering::Global => (link.tier, event.record.position.saturating_sub(1)),
        };
        self.insert(Waiting { event: Arc::clone(event), previous, high, since: now });
    }

    /// Adds the events of a range as the store has them, complete and in order up to `until`.
    pub(crate) fn add_range(
        &mut self,
        range: &LogRange,
        events: Vec<Arc<RecordedEvent>>,
        until: Position,
        now: Instant,
    ) {
        for event in events {
            self.insert(Waiting { event, previous: 0, high: 0, since: now });
        }
        for (partition, key) in &mut self.keys {
            if range.partitions.as_ref().is_none_or(|partitions| partitions.contains(partition)) {
                key.high.cover(until);
                key.medium.cover(until);
            }
        }
    }

    /// The next range to read to be complete up to `head`; `None` when nothing is missing.
    pub(crate) fn missing_range(&mut self, head: &Head) -> Option<LogRange> {
        let ordering = self.ordering;
        let mut behind = Vec::new();
        for (partition, key) in &mut self.keys {
            let last = |tier| match ordering {
                Ordering::Partition => head.heads.lane(Lane { tier, partition: *partition }),
                Ordering::Global => head.heads.tier(tier),
            };
            if key.has_gap(head.position, last) {
                behind.push((*partition, key.high.known().min(key.medium.known())));
            }
        }
        // The partitions nearest to the head first: a lost run must not wait for the end of a rebuild.
        let nearest = behind.iter().map(|(_, known)| *known).max()?;
        behind.retain(|(_, known)| nearest - known <= NEAR);
        let after = behind.iter().map(|(_, known)| *known).min()?;
        let partitions = match ordering {
            Ordering::Partition => Some(behind.into_iter().map(|(partition, _)| partition).collect()),
            Ordering::Global => None,
        };
        Some(LogRange { after, partitions })
    }

    /// Since when an event has been waiting for one that was not received.
    pub(crate) fn gap_since(&self) -> Option<Instant> {
        self.keys.values().filter_map(Key::gap_since).min()
    }

    /// Whether [`take`](Self::take) would return an event.
    pub(crate) fn is_ready(&self) -> bool {
        Tier::DURABLE.into_iter().any(|tier| self.first_ready(tier).is_some())
    }

    /// At most `max` events that may be yielded now: high ones first, each tier in position order.
    pub(crate) fn take(&mut self, max: usize) -> Vec<Arc<RecordedEvent>> {
        let mut taken = Vec::new();
        for tier in Tier::DURABLE {
            while taken.len() < max
                && let Some(partition) = self.first_ready(tier)
                && let Some(event) = self.keys.get_mut(&partition).and_then(|key| key.chain(tier)?.pop())
            {
                self.mark(partition, tier, event.record.position);
                taken.push(event);
            }
        }
        taken
    }

    /// The key with the earliest ready event of `tier`.
    fn first_ready(&self, tier: Tier) -> Option<Partition> {
        let ready = |(partition, key): (&Partition, &Key)| Some((key.ready(tier)?, *partition));
        self.keys.iter().filter_map(ready).min().map(|(_, partition)| partition)
    }

    fn insert(&mut self, waiting: Waiting) {
        let lane = waiting.event.record.lane;
        let partition = match self.ordering {
            Ordering::Partition => lane.partition,
            Ordering::Global => Partition::default(),
        };
        if let Some(chain) = self.keys.get_mut(&partition).and_then(|key| key.chain(lane.tier)) {
            chain.insert(waiting);
        }
    }

    fn mark(&mut self, partition: Partition, tier: Tier, position: Position) {
        let set = |marks: &mut Marks| match tier {
            Tier::High => marks.high = position,
            Tier::Medium | Tier::Low => marks.medium = position,
        };
        match self.ordering {
            Ordering::Partition => self.marks.get_mut(&partition).into_iter().for_each(set),
            Ordering::Global => self.marks.values_mut().for_each(set),
        }
    }
}

impl Key {
    const fn new(marks: Marks) -> Self {
        Self { high: Chain::new(marks.high), medium: Chain::new(marks.medium) }
    }

    const fn chain(&mut self, tier: Tier) -> Option<&mut Chain> {
        match tier {
            Tier::High => Some(&mut self.high),
            Tier::Medium => Some(&mut self.medium),
            Tier::Low => None,
        }
    }

    /// Whether an event is missing before `last` of a tier. A tier without a gap is complete up to `head`.
    fn has_gap(&mut self, head: Position, last: impl Fn(Tier) -> Position) -> bool {
        let mut has_gap = false;
        for (tier, chain) in [(Tier::High, &mut self.high), (Tier::Medium, &mut self.medium)] {
            if chain.known() < last(tier) {
                has_gap = true;
            } else {
                chain.cover(head);
            }
        }
        has_gap
    }

    /// The position of the next event of `tier`, if it may be yielded now.
    fn ready(&self, tier: Tier) -> Option<Position> {
        match tier {
            Tier::High => self.high.front().map(|(position, _)| position),
            // The known high events come first, because `take` serves the high tier first.
            Tier::Medium => {
                let (position, waiting) = self.medium.front()?;
                (waiting.high <= self.high.known()).then_some(position)
            }
            Tier::Low => None,
        }
    }

    fn gap_since(&self) -> Option<Instant> {
        let awaits_high =
            self.medium.front().map(|(_, waiting)| waiting).filter(|waiting| waiting.high > self.high.known());
        [self.high.behind_gap(), self.medium.behind_gap(), awaits_high]
            .into_iter()
            .flatten()
            .map(|waiting| waiting.since)
            .min()
    }
}

#[cfg(test)]
mod tests;
