//! The port: publish committed batches, subscribe to lanes, pass signals.

use domain::{Lane, Tier};
use event_store::{CommittedBatch, Linked};
use std::sync::Arc;

/// A run of events of one lane, in position order: one message of the broker.
#[derive(Clone, Debug)]
pub struct Run {
    /// Their lane.
    pub lane: Lane,
    /// The events, each with what precedes it.
    pub events: Vec<Linked>,
}

/// What a subscriber wants to hear of.
#[derive(Clone, Debug)]
pub enum Interest {
    /// Some lanes, shared by all who name the same queue: projections.
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

/// The broker. Clones share it.
#[derive(Clone)]
pub enum Broker {
    /// Lanes within this process.
    InProcess(Arc<crate::in_process::InProcess>),
}

/// A stream of runs. Bounded: when nobody keeps up, runs are dropped and counted.
pub struct Subscription {
    _runs: (),
}

impl Broker {
    /// Lanes within this process; `capacity` runs per subscription.
    #[must_use]
    pub fn in_process(_capacity: usize) -> Self {
        unimplemented!()
    }

    /// Hands a batch to all subscribers, cut into runs by lane. Never waits for a subscriber.
    pub fn publish(&self, _batch: &CommittedBatch) {
        unimplemented!()
    }

    /// Hears of runs published from now on.
    #[must_use]
    pub fn subscribe(&self, _interest: Interest) -> Subscription {
        unimplemented!()
    }
}

impl Subscription {
    /// The next run; `None` once the broker is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<Run>> {
        unimplemented!()
    }
}
