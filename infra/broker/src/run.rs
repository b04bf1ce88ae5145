//! Runs: the messages in which committed events travel, and which of them a subscriber wants.

use domain::{Lane, Tier};
use event_store::{CommittedBatch, Linked};
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
    /// Whole tiers, for this subscriber alone: gateways.
    Tiers {
        /// The subscriber's own name.
        queue: String,
        /// The tiers.
        tiers: Vec<Tier>,
    },
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
}
