//! Lanes between processes, over RabbitMQ.
//!
//! What this process publishes reaches its own subscribers at once, through lanes within the process; a copy goes to
//! the others by RabbitMQ, and back here, where it is recognised unread. While RabbitMQ is away, nothing waits for
//! it: runs and signals to others are dropped and counted, and retries rest in this process.

mod consumers;
mod link;
mod publisher;
mod settings;
mod status;
mod topology;
mod wire;

pub use settings::{BrokerError, RabbitSettings};

use crate::{
    DeadLetter, Faults, Health, InProcess, Interest, Retry, RetrySubscription, Run, Signal, SignalSubscription,
    Subscription, random, stats::Counters, subscription::Bound,
};
use consumers::{Links, Queues, Sink};
use domain::{Partition, Tier, Timestamp};
use event_store::CommittedBatch;
use lapin::uri::AMQPUri;
use publisher::Outbox;
use status::Status;
use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use topology::{Complaints, Names};
use uuid::Uuid;
use wire::{Parcel, Wire};

/// Lanes between processes.
#[derive(Debug)]
pub struct RabbitMq {
    shared: Arc<Shared>,
    /// Whether the queues of signals stand, once somebody listened.
    signals: OnceLock<Bound>,
    stop: CancellationToken,
    _stopped_with: DropGuard,
}

/// What the tasks share.
#[derive(Debug)]
struct Shared {
    local: Arc<InProcess>,
    address: AMQPUri,
    wire: Wire,
    outbox: Outbox,
    status: Status,
    links: Links,
    complaints: Complaints,
}

impl Shared {
    fn counters(&self) -> &Counters {
        self.local.counters()
    }

    /// What RabbitMQ lists a connection as.
    fn connection_name(&self, what: &str) -> String {
        format!("{} {what} {}", self.wire.names().events(), self.wire.node())
    }

    /// A name for a queue of this process alone, never used before: an earlier one may still be locked.
    fn new_owner(&self) -> String {
        format!("{}.{:08x}", self.wire.node(), random::bits() as u32)
    }
}

impl RabbitMq {
    pub(crate) fn new(settings: RabbitSettings) -> Result<Self, BrokerError> {
        let address = settings.address()?;
        settings.check_namespace()?;
        let local = Arc::new(InProcess::new(settings.capacity, Faults::NONE));
        let names = Names::new(settings.namespace);
        let wire = Wire::new(names, local.node(), settings.log, settings.partitions, settings.clock);
        let (outbox, parcels) = Outbox::new(settings.capacity);
        let shared = Arc::new(Shared {
            local,
            address,
            wire,
            outbox,
            status: Status::new(),
            links: Links::new(None),
            complaints: Complaints::default(),
        });
        let stop = CancellationToken::new();
        let broker = Self { shared, signals: OnceLock::new(), _stopped_with: stop.clone().drop_guard(), stop };
        let shared = || Arc::clone(&broker.shared);
        broker.spawn(publisher::publish(shared(), parcels));
        broker.spawn(consumers::keep_connected(shared()));
        Ok(broker)
    }

    pub(crate) fn local(&self) -> &Arc<InProcess> {
        &self.shared.local
    }

    pub(crate) fn health(&self) -> Health {
        self.shared.status.health()
    }

    pub(crate) fn publish(&self, batch: &CommittedBatch) {
        if batch.events.is_empty() {
            self.shared.local.call();
        }
        for run in Run::of_batch(batch) {
            let run = Arc::new(run);
            self.shared.local.hand(&run);
            self.put(Parcel::Run(run));
        }
    }

    pub(crate) fn subscribe(&self, interest: Interest) -> Subscription {
        let (sinks, subscription) = self.shared.local.subscribe_with_sinks(interest.clone());
        let queues = |tier: Tier| match &interest {
            Interest::Lanes { queue, lanes } => {
                let lanes: Vec<_> = lanes.iter().copied().filter(|lane| lane.tier == tier).collect();
                (!lanes.is_empty()).then(|| Queues::Lanes(queue.clone(), lanes))
            }
            Interest::Tiers { queue, tiers } => tiers.contains(&tier).then(|| Queues::Tier(queue.clone(), tier)),
        };
        let tiers = Tier::DURABLE.into_iter().filter_map(|tier| Some((tier, queues(tier)?)));
        let bound = tiers.map(|(tier, queues)| self.consume(queues, Sink::Runs(tier, sinks.of(tier).clone())));
        subscription.bound_to(Bound::to(bound.collect()))
    }

    pub(crate) fn retry_after(&self, pause: Duration, retry: Retry) {
        if !self.put(Parcel::Retry(pause, retry.clone())) {
            self.shared.local.retry_after(pause, retry);
        }
    }

    pub(crate) fn subscribe_retries(&self, partitions: BTreeSet<Partition>) -> RetrySubscription {
        let (sink, subscription) = self.shared.local.subscribe_retries_with_sink(partitions.clone());
        let bound = self.consume(Queues::Due(partitions), Sink::Retries(sink));
        subscription.bound_to(Bound::to(vec![bound]))
    }

    pub(crate) fn bury(&self, letter: DeadLetter) {
        self.shared.local.bury(&letter);
        self.put(Parcel::Letter(Box::new(letter)));
    }

    /// Tells a signal to this process at once and to others by RabbitMQ; to all, or to some.
    pub(crate) fn signal(&self, signal: Signal, nodes: Option<&[Uuid]>) {
        let (signal, own) = (Arc::new(signal), self.shared.local.node());
        self.shared.local.signal(&signal, nodes);
        match nodes {
            None => {
                self.put(Parcel::Signal(signal, None));
            }
            Some(nodes) => {
                for node in nodes.iter().filter(|node| **node != own) {
                    self.put(Parcel::Signal(Arc::clone(&signal), Some(*node)));
                }
            }
        }
    }

    pub(crate) fn subscribe_signals(&self, clock: fn() -> Timestamp) -> SignalSubscription {
        let subscription = self.shared.local.subscribe_signals(clock);
        let bound = self.signals.get_or_init(|| {
            let consume = |urgent| {
                let sink = Sink::Signals { urgent, listeners: Arc::clone(&self.shared.local) };
                self.consume(Queues::Signals { urgent }, sink)
            };
            Bound::to(vec![consume(true), consume(false)])
        });
        subscription.bound_to(bound.clone())
    }

    fn put(&self, parcel: Parcel) -> bool {
        self.shared.outbox.put(parcel, &self.shared)
    }

    /// Consumes in a task of its own; answers whether the queues stand.
    fn consume(&self, queues: Queues, sink: Sink) -> watch::Receiver<bool> {
        let bound = watch::Sender::new(false);
        let stands = bound.subscribe();
        self.spawn(consumers::consume(Arc::clone(&self.shared), queues, sink, bound));
        stands
    }

    /// Runs a task that ends with the broker.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(task).await });
    }
}
