//! Lanes between processes, over RabbitMQ.
//!
//! A run reaches the subscribers of this process at once, through lanes within the process. RabbitMQ carries a copy to other
//! processes, and back here, where it is dropped undecoded. While RabbitMQ is unavailable, nothing waits for it: runs and
//! signals to others are dropped and counted, and retries wait in this process.

mod consumers;
mod link;
mod outbox;
mod probe;
mod publisher;
mod settings;
mod shared;
mod status;
mod topology;
mod wire;

pub use probe::{ProbeError, probe};
pub use settings::{BrokerError, RabbitSettings};

use crate::{
    DeadLetter, Faults, Health, InProcess, Interest, Retry, RetrySubscription, Run, Signal, SignalSubscription,
    Subscription, Waiting, subscription::Bound,
};
use consumers::{Queues, Sink};
use domain::{Partition, Tier, Timestamp};
use event_store::CommittedBatch;
use link::Links;
use outbox::Outbox;
use shared::Shared;
use status::Status;
use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    time::Duration,
};
use supervisor::Supervisor;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::DropGuard;
use topology::{Names, RateLimitedWarnings};
use uuid::Uuid;
use wire::{Parcel, Wire};

/// Lanes between processes.
#[derive(Debug)]
pub struct RabbitMq {
    shared: Arc<Shared>,
    /// Whether the queues of whole tiers exist; set by the first subscriber of one.
    tiers: OnceLock<Bound>,
    /// Whether the queues of signals exist; set by the first listener.
    signals: OnceLock<Bound>,
    supervisor: Supervisor,
    _stopped_with: DropGuard,
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
            warnings: RateLimitedWarnings::default(),
        });
        let supervisor = Supervisor::default();
        let broker = Self {
            shared,
            tiers: OnceLock::new(),
            signals: OnceLock::new(),
            _stopped_with: supervisor.guard(),
            supervisor,
        };
        let (shared, parcels) = (Arc::clone(&broker.shared), Arc::new(Mutex::new(parcels)));
        broker.spawn("publisher".to_owned(), move || publisher::publish(Arc::clone(&shared), Arc::clone(&parcels)));
        let shared = Arc::clone(&broker.shared);
        broker.spawn("connection".to_owned(), move || consumers::keep_connected(Arc::clone(&shared)));
        Ok(broker)
    }

    pub(crate) const fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    pub(crate) fn local(&self) -> &Arc<InProcess> {
        &self.shared.local
    }

    pub(crate) fn health(&self) -> Health {
        self.shared.status.health()
    }

    /// What waits to be handed to RabbitMQ.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = Waiting> {
        self.shared.outbox.waiting()
    }

    pub(crate) fn publish(&self, batch: &CommittedBatch) {
        if batch.events.is_empty() {
            self.shared.local.announce_unpublished();
        }
        for run in Run::of_batch(batch) {
            let run = Arc::new(run);
            self.shared.local.hand(&run);
            self.put(Parcel::Run(run));
        }
    }

    pub(crate) fn subscribe(&self, interest: Interest) -> Subscription {
        let (sinks, subscription) = self.shared.local.subscribe_with_sinks(interest.clone());
        let bound = match &interest {
            Interest::Lanes { queue, lanes } => {
                let of_tier = |tier: Tier| lanes.iter().copied().filter(move |lane| lane.tier == tier);
                let lanes = Tier::DURABLE.map(|tier| (tier, of_tier(tier).collect::<Vec<_>>()));
                let bound = lanes.into_iter().filter(|(_, lanes)| !lanes.is_empty()).map(|(tier, lanes)| {
                    self.consume(Queues::Lanes(queue.clone(), lanes), Sink::Runs(tier, sinks.of(tier).clone()))
                });
                Bound::to(bound.collect())
            }
            Interest::Tiers { .. } => self.tiers.get_or_init(|| self.consume_tiers()).clone(),
        };
        subscription.bound_to(bound)
    }

    fn consume_tiers(&self) -> Bound {
        let bound = Tier::DURABLE
            .map(|tier| self.consume(Queues::Tier(tier), Sink::Tier(tier, Arc::clone(&self.shared.local))));
        Bound::to(bound.into())
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

    pub(crate) fn dead_letter(&self, letter: DeadLetter) {
        self.shared.local.dead_letter(&letter);
        self.put(Parcel::Letter(Box::new(letter)));
    }

    /// Delivers a signal in this process at once, and to all or some other processes by RabbitMQ.
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
        self.shared.put(parcel)
    }

    /// Consumes in a task of its own; the receiver says whether the queues exist.
    fn consume(&self, queues: Queues, sink: Sink) -> watch::Receiver<bool> {
        let bound = watch::Sender::new(false);
        let exists = bound.subscribe();
        let shared = Arc::clone(&self.shared);
        self.spawn(format!("consumer.{}", queues.name()), move || {
            consumers::consume(Arc::clone(&shared), queues.clone(), sink.clone(), bound.clone())
        });
        exists
    }

    /// Runs the future of `task` until the broker is dropped. After a panic it is started again; consumers read the events
    /// missed meanwhile from the log.
    fn spawn<F>(&self, name: String, mut task: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.supervisor.spawn_optional(format!("rabbitmq.{name}"), move |stop| {
            let task = task();
            async move {
                stop.run_until_cancelled(task).await;
            }
        });
    }
}
