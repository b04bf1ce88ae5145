//! Runs: the messages in which committed events travel, and which of them a subscriber wants.

use domain::{Lane, Tier};
use event_store::{CommittedBatch, Linked, Record};
use std::collections::BTreeMap;

/// A run of events of one lane, in position order: one message of the broker.
#[derive(Clone, Debug)]
pub struct Run {
    /// Their lane.
    pub lane: Lane,
    /// The events with their links. An empty list announces a commit that was published nowhere: subscribers read the
    /// store.
    pub events: Vec<Linked>,
}

/// The lanes a subscriber wants.
#[derive(Clone, Debug)]
pub enum Interest {
    /// Some lanes, shared by all subscribers with the same queue name: projections.
    Lanes {
        /// The queue's name.
        queue: String,
        /// The lanes.
        lanes: Vec<Lane>,
    },
    /// Whole tiers: each subscriber receives all of their runs. A process receives those of others once, for all its
    /// subscribers.
    Tiers {
        /// The tiers.
        tiers: Vec<Tier>,
        /// What wakes the subscriber.
        wake: Wake,
    },
}

/// What wakes a subscriber that waits.
#[derive(Clone, Copy, Debug)]
pub enum Wake {
    /// Every run.
    Always,
    /// A run with an event for which this holds. Other runs are received with the next such run, or at the next comparison
    /// with the store.
    For(fn(&Record) -> bool),
}

impl Run {
    /// Splits a batch into runs, one per lane, the high tier first.
    pub(crate) fn of_batch(batch: &CommittedBatch) -> impl Iterator<Item = Self> + use<> {
        let mut lanes: BTreeMap<Lane, Vec<Linked>> = BTreeMap::new();
        for linked in &batch.events {
            lanes.entry(linked.event.record.lane).or_default().push(linked.clone());
        }
        lanes.into_iter().map(|(lane, events)| Self { lane, events })
    }
}

impl Interest {
    pub(crate) fn covers(&self, lane: Lane) -> bool {
        match self {
            Self::Lanes { lanes, .. } => lanes.contains(&lane),
            Self::Tiers { tiers, .. } => tiers.contains(&lane.tier),
        }
    }

    /// The queue name under which subscribers share runs; `None` for a subscriber that receives all of them.
    pub(crate) fn shared(&self) -> Option<&str> {
        match self {
            Self::Lanes { queue, .. } => Some(queue),
            Self::Tiers { .. } => None,
        }
    }

    /// Whether `run` wakes the subscriber.
    pub(crate) fn is_woken_by(&self, run: &Run) -> bool {
        match self {
            Self::Tiers { wake: Wake::For(wakes), .. } => run.events.iter().any(|linked| wakes(&linked.event.record)),
            Self::Tiers { wake: Wake::Always, .. } | Self::Lanes { .. } => true,
        }
    }
}
