//! Lanes within this process: one bounded queue per subscription.

use crate::{
    DeadLetter, Faults, Interest, Retry, RetrySubscription, Run, Signal, SignalSubscription, Subscription,
    faults::Mischief,
};
use domain::{Partition, Timestamp};
use event_store::CommittedBatch;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::{
    broadcast,
    mpsc::{self, error::TrySendError},
};

/// Lanes within this process.
#[derive(Debug)]
pub struct InProcess {
    capacity: usize,
    faults: Faults,
    subscribers: Mutex<Subscribers>,
    dropped: AtomicU64,
    retriers: Mutex<Vec<Retrier>>,
    buried: AtomicU64,
    signals: broadcast::Sender<Arc<Signal>>,
}

#[derive(Debug, Default)]
struct Subscribers {
    list: Vec<Subscriber>,
    ever: u64,
}

#[derive(Debug)]
struct Subscriber {
    interest: Interest,
    runs: mpsc::Sender<Arc<Run>>,
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
        let (signals, _) = broadcast::channel(capacity);
        Self {
            capacity,
            faults,
            subscribers: Mutex::default(),
            dropped: AtomicU64::new(0),
            retriers: Mutex::default(),
            buried: AtomicU64::new(0),
            signals,
        }
    }

    pub(crate) fn publish(&self, batch: &CommittedBatch) {
        let mut subscribers = self.subscribers();
        subscribers.list.retain(|subscriber| !subscriber.runs.is_closed());
        for run in Run::of_batch(batch) {
            let run = Arc::new(run);
            for index in subscribers.takers(&run) {
                let dropped = subscribers.list[index].deliver(&run);
                self.dropped.fetch_add(dropped, Relaxed);
            }
        }
    }

    pub(crate) fn subscribe(&self, interest: Interest) -> Subscription {
        let (runs, receiver) = mpsc::channel(self.capacity);
        let mut subscribers = self.subscribers();
        let mischief = Mischief::new(self.faults, subscribers.ever);
        subscribers.ever += 1;
        subscribers.list.push(Subscriber { interest, runs, mischief });
        Subscription::new(receiver)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
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
        let (retries, receiver) = mpsc::channel(self.capacity);
        let mut retriers = self.retriers.lock().unwrap_or_else(PoisonError::into_inner);
        retriers.push(Retrier { partitions, retries });
        RetrySubscription::new(receiver)
    }

    pub(crate) fn bury(&self, letter: &DeadLetter) {
        self.buried.fetch_add(1, Relaxed);
        tracing::debug!(consumer = letter.consumer, position = letter.record.position, "a dead letter");
    }

    pub(crate) fn buried(&self) -> u64 {
        self.buried.load(Relaxed)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // An error says that nobody listens, which is fine.
        let _ = self.signals.send(Arc::new(signal));
    }

    pub(crate) fn subscribe_signals(&self, clock: fn() -> Timestamp) -> SignalSubscription {
        SignalSubscription::new(self.signals.subscribe(), clock)
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
        for (index, subscriber) in self.list.iter().enumerate() {
            if !subscriber.interest.covers(run.lane) {
                continue;
            }
            let shares = |taker: &&mut usize| self.list[**taker].shares_with(subscriber);
            match takers.iter_mut().find(shares) {
                Some(taker) if subscriber.runs.capacity() > self.list[*taker].runs.capacity() => *taker = index,
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
        let full = |run| matches!(self.runs.try_send(run), Err(TrySendError::Full(_)));
        self.mischief.disturb(run).into_iter().map(full).map(u64::from).sum()
    }
}
