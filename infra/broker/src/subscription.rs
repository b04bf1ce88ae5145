//! A stream of runs, urgent ones first.

use crate::Run;
use domain::Tier;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// A stream of runs. Bounded in each tier: when the subscriber does not keep up, the newest runs of that tier are dropped and
/// counted, or wait at the broker.
#[derive(Debug)]
pub struct Subscription {
    high: mpsc::Receiver<Arc<Run>>,
    medium: mpsc::Receiver<Arc<Run>>,
    bound: Bound,
}

/// The sending ends of a [`Subscription`].
#[derive(Clone, Debug)]
pub(crate) struct Sinks {
    high: mpsc::Sender<Arc<Run>>,
    medium: mpsc::Sender<Arc<Run>>,
}

/// Whether the RabbitMQ queues behind a subscription exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound(Vec<watch::Receiver<bool>>);

impl Subscription {
    /// A stream that keeps up to `capacity` runs of each tier.
    pub(crate) fn new(capacity: usize) -> (Sinks, Self) {
        let (high, high_runs) = mpsc::channel(capacity);
        let (medium, medium_runs) = mpsc::channel(capacity);
        (Sinks { high, medium }, Self { high: high_runs, medium: medium_runs, bound: Bound::default() })
    }

    pub(crate) fn bound_to(self, bound: Bound) -> Self {
        Self { bound, ..self }
    }

    /// The next run, one of the high tier if there is one; `None` once the broker has stopped. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<Run>> {
        tokio::select! {
            biased;
            Some(run) = self.high.recv() => Some(run),
            Some(run) = self.medium.recv() => Some(run),
            else => None,
        }
    }

    /// The next run, if one has arrived.
    pub(crate) fn next_now(&mut self) -> Option<Arc<Run>> {
        self.high.try_recv().or_else(|_| self.medium.try_recv()).ok()
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

    pub(crate) fn is_closed(&self) -> bool {
        self.high.is_closed()
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
