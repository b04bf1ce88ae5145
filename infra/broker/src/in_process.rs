//! Lanes within this process: one bounded queue per subscription.

use crate::{
    DeadLetter, Faults, Interest, Retry, RetrySubscription, Run, Signal, SignalSubscription, Subscription,
    faults::Mischief, random, stats::Counters, subscription::Sinks,
};
use domain::{Lane, Partition, Tier, Timestamp};
use event_store::CommittedBatch;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{
    broadcast,
    mpsc::{self, error::TrySendError},
};
use uuid::Uuid;

/// How many urgent signals are kept for a listener, at least.
const URGENT: usize = 4_096;

/// Lanes within this process.
#[derive(Debug)]
pub struct InProcess {
    node: Uuid,
    capacity: usize,
    faults: Faults,
    subscribers: Mutex<Subscribers>,
    retriers: Mutex<Vec<Retrier>>,
    urgent: broadcast::Sender<Arc<Signal>>,
    signals: broadcast::Sender<Arc<Signal>>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Subscribers {
    list: Vec<Subscriber>,
    ever: u64,
}

#[derive(Debug)]
struct Subscriber {
    interest: Interest,
    runs: Sinks,
    mischief: Mischief,
}

#[derive(Debug)]
struct Retrier {
    partitions: BTreeSet<Partition>,
    retries: mpsc::Sender<Retry>,
}

impl InProcess {
    pub(crate) fn new(capacity: usize, faults: Faults) -> Self {
        let capacity = capacity.max(1);
        Self {
            node: random::id(),
            capacity,
            faults,
            subscribers: Mutex::default(),
            retriers: Mutex::default(),
            urgent: broadcast::Sender::new(capacity.max(URGENT)),
            signals: broadcast::Sender::new(capacity),
            counters: Arc::default(),
        }
    }

    pub(crate) const fn node(&self) -> Uuid {
        self.node
    }

    pub(crate) const fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub(crate) fn publish(&self, batch: &CommittedBatch) {
        if batch.events.is_empty() {
            self.call();
        }
        for run in Run::of_batch(batch) {
            self.hand(&Arc::new(run));
        }
    }

    /// Has the subscribers of this process look at the store: something was committed that is published nowhere. A run
    /// without events says so.
    pub(crate) fn call(&self) {
        let lane = Lane { tier: Tier::High, partition: Partition(0) };
        let call = Arc::new(Run { lane, events: Vec::new() });
        let mut subscribers = self.subscribers();
        subscribers.list.retain(|subscriber| !subscriber.runs.is_closed());
        for subscriber in &subscribers.list {
            // One that has no room has much to read, and looks by itself.
            let _ = subscriber.runs.of(Tier::High).try_send(Arc::clone(&call));
        }
    }

    /// Hands a run to the subscribers of this process.
    pub(crate) fn hand(&self, run: &Arc<Run>) {
        let counted = self.counters.runs(run.lane.tier);
        counted.published.one();
        let mut subscribers = self.subscribers();
        subscribers.list.retain(|subscriber| !subscriber.runs.is_closed());
        for index in subscribers.takers(run) {
            counted.dropped.add(subscribers.list[index].deliver(run));
        }
    }

    pub(crate) fn subscribe(&self, interest: Interest) -> Subscription {
        self.subscribe_with_sinks(interest).1
    }

    /// Subscribes, and answers where runs from elsewhere are put in.
    pub(crate) fn subscribe_with_sinks(&self, interest: Interest) -> (Sinks, Subscription) {
        let (runs, subscription) = Subscription::new(self.capacity);
        let mut subscribers = self.subscribers();
        let mischief = Mischief::new(self.faults, subscribers.ever);
        subscribers.ever += 1;
        subscribers.list.push(Subscriber { interest, runs: runs.clone(), mischief });
        (runs, subscription)
    }

    pub(crate) fn retry_after(self: &Arc<Self>, pause: Duration, retry: Retry) {
        let lanes = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            if let Some(lanes) = lanes.upgrade() {
                lanes.retry(retry);
            }
        });
    }

    fn retry(&self, retry: Retry) {
        let mut retriers = self.retriers.lock().unwrap_or_else(PoisonError::into_inner);
        retriers.retain(|retrier| !retrier.retries.is_closed());
        if let Some(retrier) = retriers.iter().find(|retrier| retrier.partitions.contains(&retry.partition)) {
            // One that finds no room is due at the next look.
            let _ = retrier.retries.try_send(retry);
        }
    }

    pub(crate) fn subscribe_retries(&self, partitions: BTreeSet<Partition>) -> RetrySubscription {
        self.subscribe_retries_with_sink(partitions).1
    }

    /// Subscribes, and answers where retries from elsewhere are put in.
    pub(crate) fn subscribe_retries_with_sink(
        &self,
        partitions: BTreeSet<Partition>,
    ) -> (mpsc::Sender<Retry>, RetrySubscription) {
        let (retries, receiver) = mpsc::channel(self.capacity);
        let mut retriers = self.retriers.lock().unwrap_or_else(PoisonError::into_inner);
        retriers.push(Retrier { partitions, retries: retries.clone() });
        (retries, RetrySubscription::new(receiver))
    }

    pub(crate) fn bury(&self, letter: &DeadLetter) {
        self.counters.buried.one();
        tracing::debug!(consumer = letter.consumer, position = letter.record.position, "a dead letter");
    }

    /// Tells a signal to the listeners of this process, if it is among `nodes` (`None`: all are).
    pub(crate) fn signal(&self, signal: &Arc<Signal>, nodes: Option<&[Uuid]>) {
        self.counters.signals(signal.is_urgent()).published.one();
        if nodes.is_none_or(|nodes| nodes.contains(&self.node)) {
            self.tell(signal);
        }
    }

    /// Tells a signal to the listeners of this process.
    pub(crate) fn tell(&self, signal: &Arc<Signal>) {
        let listeners = if signal.is_urgent() { &self.urgent } else { &self.signals };
        // An error says that nobody listens, which is fine.
        let _ = listeners.send(Arc::clone(signal));
    }

    pub(crate) fn subscribe_signals(&self, clock: fn() -> Timestamp) -> SignalSubscription {
        SignalSubscription::new(self.urgent.subscribe(), self.signals.subscribe(), clock, Arc::clone(&self.counters))
    }

    /// A panic of another publisher leaves the list whole: each change to it is one step.
    fn subscribers(&self) -> MutexGuard<'_, Subscribers> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscribers {
    /// Who gets `run`: everybody who wants its lane; of those who share a queue, the one with the most room.
    fn takers(&self, run: &Run) -> Vec<usize> {
        let mut takers: Vec<usize> = Vec::new();
        let room = |subscriber: &Subscriber| subscriber.runs.of(run.lane.tier).capacity();
        for (index, subscriber) in self.list.iter().enumerate() {
            if !subscriber.interest.covers(run.lane) {
                continue;
            }
            let shares = |taker: &&mut usize| self.list[**taker].shares_with(subscriber);
            match takers.iter_mut().find(shares) {
                Some(taker) if room(subscriber) > room(&self.list[*taker]) => *taker = index,
                Some(_) => {}
                None => takers.push(index),
            }
        }
        takers
    }
}

impl Subscriber {
    fn shares_with(&self, other: &Self) -> bool {
        self.interest.shared().is_some_and(|queue| other.interest.shared() == Some(queue))
    }

    /// Delivers what the faults leave of `run`; answers how many deliveries found the queue full.
    fn deliver(&mut self, run: &Arc<Run>) -> u64 {
        let full = |run: Arc<Run>| matches!(self.runs.of(run.lane.tier).try_send(run), Err(TrySendError::Full(_)));
        self.mischief.disturb(run).into_iter().map(full).map(u64::from).sum()
    }
}
