//! Signals: what is told once to whoever is there, and never stored.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::broadcast::{self, error::RecvError};
use uuid::Uuid;

/// A signal on its way to the sockets of every gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signal {
    /// `typing`, `presence`, `custom`, `call.signal`.
    pub name: String,
    /// Whom it is for: a conversation's members …
    pub scope: Option<Uuid>,
    /// … or some people.
    pub users: Vec<Uuid>,
    /// Whom it comes from: their own sockets are not told.
    pub from: Option<Uuid>,
    /// What the sockets are sent.
    pub data: serde_json::Value,
    /// Not worth telling after this time (milliseconds since the epoch).
    pub expires_at: i64,
}

/// A stream of signals. Bounded: when nobody keeps up, the oldest are shed; expired ones are skipped.
#[derive(Debug)]
pub struct SignalSubscription {
    signals: broadcast::Receiver<Arc<Signal>>,
    clock: fn() -> Timestamp,
    shed: u64,
}

impl SignalSubscription {
    pub(crate) const fn new(signals: broadcast::Receiver<Arc<Signal>>, clock: fn() -> Timestamp) -> Self {
        Self { signals, clock, shed: 0 }
    }

    /// The next signal that is still worth telling; `None` once the broker is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<Signal>> {
        loop {
            match self.signals.recv().await {
                Ok(signal) if signal.expires_at >= (self.clock)().millis() => return Some(signal),
                Ok(_) => self.shed += 1,
                Err(RecvError::Lagged(lost)) => self.shed += lost,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// How many signals this subscription did not tell, too late or too many.
    #[must_use]
    pub const fn shed(&self) -> u64 {
        self.shed
    }
}
