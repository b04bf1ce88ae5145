//! Retries of events that could not be applied, and dead letters.
//!
//! Both are notifications, as runs are: the consumer that stores the parked events also checks by itself which are due.

use crate::subscription::Bound;
use domain::Partition;
use event_store::{Position, Record};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::mpsc;

/// The pauses before the first, second and third retry of an event that could not be applied. After the last one it becomes a
/// [`DeadLetter`].
pub const BACK_OFF: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];

/// An event to be tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// The projection that could not apply it: `messages`.
    pub consumer: String,
    /// The partition of its scope.
    pub partition: Partition,
    /// Its position.
    pub position: Position,
}

/// An event that is not retried any more: sealed as it is stored, with the error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The projection that could not apply it.
    pub consumer: String,
    /// The event.
    pub record: Record,
    /// The error of the last attempt.
    pub error: String,
    /// The number of attempts.
    pub attempts: u64,
}

/// A stream of retries that are due. Bounded and lossy, as all of the broker.
#[derive(Debug)]
pub struct RetrySubscription {
    retries: mpsc::Receiver<Retry>,
    bound: Bound,
}

impl RetrySubscription {
    pub(crate) fn new(retries: mpsc::Receiver<Retry>) -> Self {
        Self { retries, bound: Bound::default() }
    }

    pub(crate) fn bound_to(self, bound: Bound) -> Self {
        Self { bound, ..self }
    }

    /// The next retry that is due; `None` once the broker has stopped. Cancel-safe.
    pub async fn next(&mut self) -> Option<Retry> {
        self.retries.recv().await
    }

    /// Waits until retries of other processes reach this subscription, too; returns at once without RabbitMQ.
    pub async fn ready(&self) {
        self.bound.ready().await;
    }
}
