//! A stream of runs, urgent ones first.

use crate::Run;
use domain::Tier;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{mpsc, watch};

/// A stream of runs. Bounded in each tier: when the subscriber does not keep up, the newest runs of that tier are dropped and
/// counted, or wait at the broker.
#[derive(Debug)]
pub struct Subscription {
    high: mpsc::Receiver<Arc<Run>>,
    medium: mpsc::Receiver<Arc<Run>>,
    aside: Aside,
    bound: Bound,
}

/// The sending ends of a [`Subscription`].
#[derive(Clone, Debug)]
pub(crate) struct Sinks {
    high: mpsc::Sender<Arc<Run>>,
    medium: mpsc::Sender<Arc<Run>>,
    aside: Aside,
}

/// Runs that did not wake the subscriber, at most half of what its queues keep of a tier.
#[derive(Clone, Debug, Default)]
struct Aside(Arc<Mutex<VecDeque<Arc<Run>>>>);

/// Whether the RabbitMQ queues behind a subscription exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound(Vec<watch::Receiver<bool>>);

impl Subscription {
    /// A stream that keeps up to `capacity` runs of each tier.
    pub(crate) fn new(capacity: usize) -> (Sinks, Self) {
        let (high, high_runs) = mpsc::channel(capacity);
        let (medium, medium_runs) = mpsc::channel(capacity);
        let aside = Aside::default();
        let sinks = Sinks { high, medium, aside: aside.clone() };
        (sinks, Self { high: high_runs, medium: medium_runs, aside, bound: Bound::default() })
    }

    pub(crate) fn bound_to(self, bound: Bound) -> Self {
        Self { bound, ..self }
    }

    /// The next run that wakes this subscriber, one of the high tier if there is one; `None` once the broker has stopped.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<Run>> {
        tokio::select! {
            biased;
            Some(run) = self.high.recv() => Some(run),
            Some(run) = self.medium.recv() => Some(run),
            else => None,
        }
    }

    /// The next run, if one has arrived, whether or not it wakes this subscriber.
    pub(crate) fn next_now(&mut self) -> Option<Arc<Run>> {
        let arrived = self.high.try_recv().or_else(|_| self.medium.try_recv()).ok();
        arrived.or_else(|| self.aside.runs().pop_front())
    }

    /// Waits until runs of other processes reach this subscription, too; returns at once without RabbitMQ. For tests and
    /// warm starts: a [`CatchUpSubscription`](crate::CatchUpSubscription) does not need it.
    pub async fn ready(&self) {
        self.bound.ready().await;
    }
}

impl Sinks {
    pub(crate) const fn of(&self, tier: Tier) -> &mpsc::Sender<Arc<Run>> {
        match tier {
            Tier::High => &self.high,
            Tier::Medium | Tier::Low => &self.medium,
        }
    }

    /// Keeps a run for the subscriber without waking it; returns whether there was room.
    pub(crate) fn set_aside(&self, run: &Arc<Run>) -> bool {
        let mut runs = self.aside.runs();
        let has_room = runs.len() < self.high.max_capacity() / 2;
        if has_room {
            runs.push_back(Arc::clone(run));
        }
        has_room
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.high.is_closed()
    }
}

impl Aside {
    /// A panic leaves the queue whole: each change of it is one step.
    fn runs(&self) -> MutexGuard<'_, VecDeque<Arc<Run>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bound {
    pub(crate) const fn to(queues: Vec<watch::Receiver<bool>>) -> Self {
        Self(queues)
    }

    pub(crate) async fn ready(&self) {
        for queue in &self.0 {
            // An error means that the broker has stopped: there is nothing to wait for.
            let _ = queue.clone().wait_for(|exists| *exists).await;
        }
    }
}
