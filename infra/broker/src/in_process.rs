//! Lanes within this process: one bounded queue per subscription.

use crate::{
    DeadLetter, Faults, Interest, Retry, RetrySubscription, Run, Signal, SignalSubscription, Subscription, Waiting,
    faults::FaultInjector, random, stats::Counters, subscription::Sinks,
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

/// Room for urgent signals per listener, at least.
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
    faults: FaultInjector,
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
            self.announce_unpublished();
        }
        for run in Run::of_batch(batch) {
            self.hand(&Arc::new(run));
        }
    }

    /// What waits for the subscribers of this process.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        let of_tier = |tier| {
            let subscribers = self.subscribers();
            let waiting = |subscriber: &Subscriber| {
                let runs = subscriber.runs.of(tier);
                runs.max_capacity() - runs.capacity()
            };
            subscribers.list.iter().map(waiting).sum::<usize>()
        };
        let waiting = [
            ("high", of_tier(Tier::High)),
            ("medium", of_tier(Tier::Medium)),
            ("calls", self.urgent.len()),
            ("low", self.signals.len()),
        ];
        waiting.map(|(lane, messages)| Waiting { lane, to: "consumers", messages }).into()
    }

    /// Makes the subscribers of this process read the store, by a run without events: a commit was published nowhere.
    pub(crate) fn announce_unpublished(&self) {
        let lane = Lane { tier: Tier::High, partition: Partition(0) };
        let empty = Arc::new(Run { lane, events: Vec::new() });
        let mut subscribers = self.subscribers();
        subscribers.list.retain(|subscriber| !subscriber.runs.is_closed());
        for subscriber in &subscribers.list {
            // A subscriber without room is behind, and compares itself with the store anyway.
            let _ = subscriber.runs.of(Tier::High).try_send(Arc::clone(&empty));
        }
    }

    /// Hands a run of this process to its subscribers.
    pub(crate) fn hand(&self, run: &Arc<Run>) {
        self.counters.runs(run.lane.tier).published.one();
        self.deliver_run(run, |_| true);
    }

    /// Hands a run of another process to the subscribers of whole tiers.
    pub(crate) fn hand_of_peer(&self, run: &Arc<Run>) {
        self.deliver_run(run, |interest| interest.shared().is_none());
    }

    fn deliver_run(&self, run: &Arc<Run>, is_meant: impl Fn(&Interest) -> bool) {
        let mut subscribers = self.subscribers();
        subscribers.list.retain(|subscriber| !subscriber.runs.is_closed());
        for index in subscribers.takers(run) {
            let taker = &mut subscribers.list[index];
            if is_meant(&taker.interest) {
                self.counters.runs(run.lane.tier).dropped.add(taker.deliver(run));
            }
        }
    }

    pub(crate) fn subscribe(&self, interest: Interest) -> Subscription {
        self.subscribe_with_sinks(interest).1
    }

    /// Subscribes; also returns the sending ends, for runs of other processes.
    pub(crate) fn subscribe_with_sinks(&self, interest: Interest) -> (Sinks, Subscription) {
        let (runs, subscription) = Subscription::new(self.capacity);
        let mut subscribers = self.subscribers();
        let faults = FaultInjector::new(self.faults, subscribers.ever);
        subscribers.ever += 1;
        subscribers.list.push(Subscriber { interest, runs: runs.clone(), faults });
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
            // Without room it is found at the consumer's next check.
            let _ = retrier.retries.try_send(retry);
        }
    }

    pub(crate) fn subscribe_retries(&self, partitions: BTreeSet<Partition>) -> RetrySubscription {
        self.subscribe_retries_with_sink(partitions).1
    }

    /// Subscribes; also returns the sending end, for retries of other processes.
    pub(crate) fn subscribe_retries_with_sink(
        &self,
        partitions: BTreeSet<Partition>,
    ) -> (mpsc::Sender<Retry>, RetrySubscription) {
        let (retries, receiver) = mpsc::channel(self.capacity);
        let mut retriers = self.retriers.lock().unwrap_or_else(PoisonError::into_inner);
        retriers.retain(|retrier| !retrier.retries.is_closed());
        retriers.push(Retrier { partitions, retries: retries.clone() });
        (retries, RetrySubscription::new(receiver))
    }

    pub(crate) fn dead_letter(&self, letter: &DeadLetter) {
        self.counters.dead_letters.one();
        tracing::debug!(consumer = letter.consumer, position = letter.record.position, "Published a dead letter");
    }

    /// Counts a signal, and hands it to the listeners of this process if it is among `nodes` (`None`: all are).
    pub(crate) fn signal(&self, signal: &Arc<Signal>, nodes: Option<&[Uuid]>) {
        self.counters.signals(signal.is_urgent()).published.one();
        if nodes.is_none_or(|nodes| nodes.contains(&self.node)) {
            self.deliver(signal);
        }
    }

    /// Hands a signal to the listeners of this process.
    pub(crate) fn deliver(&self, signal: &Arc<Signal>) {
        let listeners = if signal.is_urgent() { &self.urgent } else { &self.signals };
        // An error means that there are no listeners.
        let _ = listeners.send(Arc::clone(signal));
    }

    pub(crate) fn subscribe_signals(&self, clock: fn() -> Timestamp) -> SignalSubscription {
        SignalSubscription::new(self.urgent.subscribe(), self.signals.subscribe(), clock, Arc::clone(&self.counters))
    }

    /// A panic of another publisher leaves the list consistent: each change of it is one step.
    fn subscribers(&self) -> MutexGuard<'_, Subscribers> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscribers {
    /// The subscribers that receive `run`: all that want its lane; of those that share a queue, the one with the most room.
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

    /// Delivers `run` with the injected faults; returns how many deliveries found the queue full.
    fn deliver(&mut self, run: &Arc<Run>) -> u64 {
        let is_dropped = |run: Arc<Run>| {
            let is_quiet = !self.interest.is_woken_by(&run) && self.runs.set_aside(&run);
            !is_quiet && matches!(self.runs.of(run.lane.tier).try_send(run), Err(TrySendError::Full(_)))
        };
        self.faults.apply(run).into_iter().map(is_dropped).map(u64::from).sum()
    }
}
