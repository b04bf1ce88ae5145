//! The port: publish committed batches, subscribe to lanes, pass signals.

use crate::{
    BrokerError, DeadLetter, Faults, Health, InProcess, RabbitMq, RabbitSettings, Retry, RetrySubscription, Signal,
    SignalSubscription, Stats, Subscription,
};
use domain::{Lane, Partition, Tier, Timestamp};
use event_store::{CommittedBatch, Linked};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

/// A run of events of one lane, in position order: one message of the broker.
#[derive(Clone, Debug)]
pub struct Run {
    /// Their lane.
    pub lane: Lane,
    /// The events, each with what precedes it. None: something was committed that nobody is told of, and is to be
    /// looked for in the store.
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
/// What every arm MUST do: hand each run to every subscriber of this process that wants its lane, once per queue
/// name; never make a publisher wait; count what it drops. RabbitMQ MUST also bring each run to the subscribers of
/// other processes, to at least one per queue name, while it is there. What none needs to do: keep, order or deliver
/// everything, or deliver it once. That is [`Follower`](crate::Follower)'s business (I11).
#[derive(Clone, Debug)]
pub enum Broker {
    /// Lanes within this process.
    InProcess(Arc<InProcess>),
    /// Lanes between processes.
    RabbitMq(Arc<RabbitMq>),
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

    /// Lanes between processes. Returns at once, whether RabbitMQ is there or not, and goes on trying; must be called
    /// within a Tokio runtime.
    ///
    /// # Errors
    /// When the settings cannot be right.
    pub fn rabbitmq(settings: RabbitSettings) -> Result<Self, BrokerError> {
        Ok(Self::RabbitMq(Arc::new(RabbitMq::new(settings)?)))
    }

    /// Names this process among those of the broker.
    #[must_use]
    pub fn node(&self) -> Uuid {
        self.local().node()
    }

    /// Whether runs and signals reach other processes now; lanes within a process are always up.
    #[must_use]
    pub fn health(&self) -> Health {
        match self {
            Self::InProcess(_) => Health::Up,
            Self::RabbitMq(lanes) => lanes.health(),
        }
    }

    /// What this process has told and heard so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.local().counters().stats()
    }

    /// Hands a batch to all subscribers, cut into runs by lane. Never waits for a subscriber.
    pub fn publish(&self, batch: &CommittedBatch) {
        match self {
            Self::InProcess(lanes) => lanes.publish(batch),
            Self::RabbitMq(lanes) => lanes.publish(batch),
        }
    }

    /// Hears of runs published from now on.
    #[must_use]
    pub fn subscribe(&self, interest: Interest) -> Subscription {
        match self {
            Self::InProcess(lanes) => lanes.subscribe(interest),
            Self::RabbitMq(lanes) => lanes.subscribe(interest),
        }
    }

    /// How many runs were dropped so far because a subscriber of this process did not keep up.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let Stats { high, medium, .. } = self.stats();
        high.dropped + medium.dropped
    }

    /// Hands `retry` to one who listens for its partition, after one of the pauses of
    /// [`BACK_OFF`](crate::BACK_OFF). Never waits.
    pub fn retry_after(&self, pause: Duration, retry: Retry) {
        match self {
            Self::InProcess(lanes) => lanes.retry_after(pause, retry),
            Self::RabbitMq(lanes) => lanes.retry_after(pause, retry),
        }
    }

    /// Hears of the retries of these partitions that fall due from now on.
    #[must_use]
    pub fn subscribe_retries(&self, partitions: BTreeSet<Partition>) -> RetrySubscription {
        match self {
            Self::InProcess(lanes) => lanes.subscribe_retries(partitions),
            Self::RabbitMq(lanes) => lanes.subscribe_retries(partitions),
        }
    }

    /// Lays an event aside for a person to look at. Never waits.
    pub fn bury(&self, letter: DeadLetter) {
        match self {
            Self::InProcess(lanes) => lanes.bury(&letter),
            Self::RabbitMq(lanes) => lanes.bury(letter),
        }
    }

    /// Tells a signal to all who listen now. Never waits; nothing happens when nobody listens.
    pub fn signal(&self, signal: Signal) {
        self.signal_to(signal, None);
    }

    /// Tells a signal to those who listen now in the processes of these [`Broker::node`]s; `None`: in all. Never waits.
    pub fn signal_to(&self, signal: Signal, nodes: Option<&[Uuid]>) {
        match self {
            Self::InProcess(lanes) => lanes.signal(&Arc::new(signal), nodes),
            Self::RabbitMq(lanes) => lanes.signal(signal, nodes),
        }
    }

    /// Hears of signals told from now on. `clock` decides which have expired.
    #[must_use]
    pub fn subscribe_signals(&self, clock: fn() -> Timestamp) -> SignalSubscription {
        match self {
            Self::InProcess(lanes) => lanes.subscribe_signals(clock),
            Self::RabbitMq(lanes) => lanes.subscribe_signals(clock),
        }
    }

    /// What passes within this process.
    fn local(&self) -> &Arc<InProcess> {
        match self {
            Self::InProcess(lanes) => lanes,
            Self::RabbitMq(lanes) => lanes.local(),
        }
    }
}
