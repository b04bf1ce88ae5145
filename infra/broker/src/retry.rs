//! Events that could not be applied: tried again after a while, and in the end laid aside for a person to look at.
//!
//! Hints, as runs are: whoever keeps the parked events knows when each is due, and looks by itself, too.

use crate::subscription::Bound;
use domain::Partition;
use event_store::{Position, Record};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long an event that could not be applied rests before it is tried again: the first time, the second, …
/// After the last one it is laid aside as a [`DeadLetter`].
pub const BACK_OFF: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];

/// An event that is to be tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Who could not apply it: `messages`.
    pub consumer: String,
    /// The partition it belongs to.
    pub partition: Partition,
    /// Its position.
    pub position: Position,
}

/// An event that was given up: sealed as it is stored, with what was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Who could not apply it.
    pub consumer: String,
    /// The event.
    pub record: Record,
    /// What was wrong.
    pub error: String,
    /// How often it was tried.
    pub attempts: u64,
}

/// A stream of retries that are due. Bounded, and lossy as all of the broker.
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

    /// The next retry that is due; `None` once the broker is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Retry> {
        self.retries.recv().await
    }

    /// Waits until retries of other processes reach this subscription, too; at once where there are none.
    pub async fn ready(&self) {
        self.bound.ready().await;
    }
}
