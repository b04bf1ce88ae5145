//! The port: publish committed batches, subscribe to lanes, pass signals.

use crate::{
    BrokerError, DeadLetter, Faults, Health, InProcess, Interest, RabbitMq, RabbitSettings, Retry, RetrySubscription,
    Signal, SignalSubscription, Stats, Subscription, Waiting,
};
use domain::{Partition, Timestamp};
use event_store::CommittedBatch;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use supervisor::Supervisor;
use uuid::Uuid;

/// The broker. Clones share it; it stops when the last clone is dropped.
///
/// Every engine MUST hand each run to every subscriber of this process that wants its lane, once per queue name; never make
/// a publisher wait; count the runs it drops. While it is available, RabbitMQ MUST also deliver each run to the subscribers
/// of other processes, to at least one per queue name. No engine needs to keep, order or deliver everything, nor to deliver it
/// once: [`CatchUpSubscription`](crate::CatchUpSubscription) takes care of that (I11).
#[derive(Clone, Debug)]
pub enum Broker {
    /// Lanes within this process.
    InProcess(Arc<InProcess>),
    /// Lanes between processes.
    RabbitMq(Arc<RabbitMq>),
}

impl Broker {
    /// Lanes within this process; `capacity` (at least 1) runs per subscription, and as many signals.
    #[must_use]
    pub fn in_process(capacity: usize) -> Self {
        Self::in_process_with(capacity, Faults::NONE)
    }

    /// Does the same with injected faults, for tests of consumers that must survive them.
    #[must_use]
    pub fn in_process_with(capacity: usize, faults: Faults) -> Self {
        Self::InProcess(Arc::new(InProcess::new(capacity, faults)))
    }

    /// Lanes between processes. Returns at once, whether RabbitMQ is available or not, and keeps trying to connect; must be
    /// called within a Tokio runtime.
    ///
    /// # Errors
    /// When the settings are invalid.
    pub fn rabbitmq(settings: RabbitSettings) -> Result<Self, BrokerError> {
        Ok(Self::RabbitMq(Arc::new(RabbitMq::new(settings)?)))
    }

    /// The id of this process among those of the broker.
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

    /// The supervisor of its tasks; lanes within a process have none.
    #[must_use]
    pub fn supervisor(&self) -> Option<&Supervisor> {
        match self {
            Self::InProcess(_) => None,
            Self::RabbitMq(lanes) => Some(lanes.supervisor()),
        }
    }

    /// Counts of the messages that this process published and received.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.local().counters().stats()
    }

    /// The messages that wait in this process: for its own subscribers, and to be handed to RabbitMQ.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        match self {
            Self::InProcess(lanes) => lanes.waiting(),
            Self::RabbitMq(lanes) => lanes.local().waiting().into_iter().chain(lanes.waiting()).collect(),
        }
    }

    /// Hands a batch to all subscribers, cut into runs by lane. Never waits for a subscriber.
    pub fn publish(&self, batch: &CommittedBatch) {
        match self {
            Self::InProcess(lanes) => lanes.publish(batch),
            Self::RabbitMq(lanes) => lanes.publish(batch),
        }
    }

    /// Receives the runs published from now on.
    #[must_use]
    pub fn subscribe(&self, interest: Interest) -> Subscription {
        match self {
            Self::InProcess(lanes) => lanes.subscribe(interest),
            Self::RabbitMq(lanes) => lanes.subscribe(interest),
        }
    }

    /// The number of runs dropped so far because a subscriber of this process did not keep up.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let Stats { high, medium, .. } = self.stats();
        high.dropped + medium.dropped
    }

    /// Hands `retry` to one subscriber of its partition, after one of the pauses of [`BACK_OFF`](crate::BACK_OFF). Never
    /// waits.
    pub fn retry_after(&self, pause: Duration, retry: Retry) {
        match self {
            Self::InProcess(lanes) => lanes.retry_after(pause, retry),
            Self::RabbitMq(lanes) => lanes.retry_after(pause, retry),
        }
    }

    /// Receives the retries of these partitions that fall due from now on.
    #[must_use]
    pub fn subscribe_retries(&self, partitions: BTreeSet<Partition>) -> RetrySubscription {
        match self {
            Self::InProcess(lanes) => lanes.subscribe_retries(partitions),
            Self::RabbitMq(lanes) => lanes.subscribe_retries(partitions),
        }
    }

    /// Publishes a dead letter, for an operator. Never waits.
    pub fn dead_letter(&self, letter: DeadLetter) {
        match self {
            Self::InProcess(lanes) => lanes.dead_letter(&letter),
            Self::RabbitMq(lanes) => lanes.dead_letter(letter),
        }
    }

    /// Sends a signal to all current listeners. Never waits; without listeners it has no effect.
    pub fn signal(&self, signal: Signal) {
        self.signal_to(signal, None);
    }

    /// Sends a signal to the current listeners of the processes with these ids ([`Broker::node`]); `None`: of all. Never
    /// waits.
    pub fn signal_to(&self, signal: Signal, nodes: Option<&[Uuid]>) {
        match self {
            Self::InProcess(lanes) => lanes.signal(&Arc::new(signal), nodes),
            Self::RabbitMq(lanes) => lanes.signal(signal, nodes),
        }
    }

    /// Receives the signals sent from now on. `clock` decides which have expired.
    #[must_use]
    pub fn subscribe_signals(&self, clock: fn() -> Timestamp) -> SignalSubscription {
        match self {
            Self::InProcess(lanes) => lanes.subscribe_signals(clock),
            Self::RabbitMq(lanes) => lanes.subscribe_signals(clock),
        }
    }

    /// The lanes within this process.
    fn local(&self) -> &Arc<InProcess> {
        match self {
            Self::InProcess(lanes) => lanes,
            Self::RabbitMq(lanes) => lanes.local(),
        }
    }
}
