//! The port: publish committed batches, subscribe to lanes, pass signals.

use crate::{DeadLetter, Faults, Retry, RetrySubscription, Signal, SignalSubscription, in_process::InProcess};
use domain::{Lane, Partition, Tier, Timestamp};
use event_store::{CommittedBatch, Linked};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

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

/// The broker. Clones share it; it is gone when the last clone is dropped.
///
/// What every arm MUST do: hand each run to every subscriber that wants its lane, once per queue name; never make
/// a publisher wait; count what it drops. What none needs to do: keep, order or deliver everything. That is
/// [`Follower`](crate::Follower)'s business (I11).
#[derive(Clone, Debug)]
pub enum Broker {
    /// Lanes within this process.
    InProcess(Arc<InProcess>),
}

/// A stream of runs. Bounded: when nobody keeps up, the newest runs are dropped and counted.
#[derive(Debug)]
pub struct Subscription {
    runs: mpsc::Receiver<Arc<Run>>,
}

impl Run {
    /// Cuts a batch into runs, one per lane, the urgent tier first.
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

    /// The name under which subscribers share runs; `None` for one who shares with nobody.
    pub(crate) fn shared(&self) -> Option<&str> {
        match self {
            Self::Lanes { queue, .. } => Some(queue),
            Self::Tiers { .. } => None,
        }
    }
}

impl Broker {
    /// Lanes within this process; `capacity` (at least 1) runs per subscription, and as many signals.
    #[must_use]
    pub fn in_process(capacity: usize) -> Self {
        Self::in_process_with(capacity, Faults::NONE)
    }

    /// The same, misbehaving on purpose: for tests of whatever must survive a bad broker.
    #[must_use]
    pub fn in_process_with(capacity: usize, faults: Faults) -> Self {
        Self::InProcess(Arc::new(InProcess::new(capacity, faults)))
    }

    /// Hands a batch to all subscribers, cut into runs by lane. Never waits for a subscriber.
    pub fn publish(&self, batch: &CommittedBatch) {
        match self {
            Self::InProcess(lanes) => lanes.publish(batch),
        }
    }

    /// Hears of runs published from now on.
    #[must_use]
    pub fn subscribe(&self, interest: Interest) -> Subscription {
        match self {
            Self::InProcess(lanes) => lanes.subscribe(interest),
        }
    }

    /// How many runs were dropped so far because a subscriber did not keep up.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        match self {
            Self::InProcess(lanes) => lanes.dropped(),
        }
    }

    /// Hands `retry` to one who listens for its partition, after one of the pauses of
    /// [`BACK_OFF`](crate::BACK_OFF). Never waits.
    pub fn retry_after(&self, pause: Duration, retry: Retry) {
        match self {
            Self::InProcess(lanes) => lanes.retry_after(pause, retry),
        }
    }

    /// Hears of the retries of these partitions that fall due from now on.
    #[must_use]
    pub fn subscribe_retries(&self, partitions: BTreeSet<Partition>) -> RetrySubscription {
        match self {
            Self::InProcess(lanes) => lanes.subscribe_retries(partitions),
        }
    }

    /// Lays an event aside for a person to look at. Never waits.
    pub fn bury(&self, letter: DeadLetter) {
        match self {
            Self::InProcess(lanes) => lanes.bury(&letter),
        }
    }

    /// How many events were laid aside by this process so far.
    #[must_use]
    pub fn buried(&self) -> u64 {
        match self {
            Self::InProcess(lanes) => lanes.buried(),
        }
    }

    /// Tells a signal to all who listen now. Never waits; nothing happens when nobody listens.
    pub fn signal(&self, signal: Signal) {
        match self {
            Self::InProcess(lanes) => lanes.signal(signal),
        }
    }

    /// Hears of signals told from now on. `clock` decides which have expired.
    #[must_use]
    pub fn subscribe_signals(&self, clock: fn() -> Timestamp) -> SignalSubscription {
        match self {
            Self::InProcess(lanes) => lanes.subscribe_signals(clock),
        }
    }
}

impl Subscription {
    pub(crate) const fn new(runs: mpsc::Receiver<Arc<Run>>) -> Self {
        Self { runs }
    }

    /// The next run; `None` once the broker is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<Run>> {
        self.runs.recv().await
    }

    /// The next run, if one is here already.
    pub(crate) fn next_now(&mut self) -> Option<Arc<Run>> {
        self.runs.try_recv().ok()
    }
}
