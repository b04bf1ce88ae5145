//! Signals: what is told once to whoever is there, and never stored.

use crate::{stats::Counters, subscription::Bound};
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::broadcast::{self, error::RecvError};
use uuid::Uuid;

/// A signal on its way to the sockets of every gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signal {
    /// `typing`, `presence`, `custom`, `call.signal`; between processes alone, `call.attached`.
    pub name: String,
    /// Whom it is for: a conversation's members …
    pub scope: Option<Uuid>,
    /// … or some people.
    pub users: Vec<Uuid>,
    /// Whom it comes from: their own sockets are not told.
    pub from: Option<Uuid>,
    /// The session it comes from: with it, only that session's sockets are not told, and the person's other devices
    /// are.
    #[serde(default)]
    pub from_session: Option<Uuid>,
    /// Only sockets of this session are told.
    #[serde(default)]
    pub to_session: Option<Uuid>,
    /// Of the people named in `users`, only those are told who are in this conversation when it comes to their gateway.
    #[serde(default)]
    pub within: Option<Uuid>,
    /// Who is not told although they are in the scope: a block stands between them and whom it comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Uuid>,
    /// When it was told, in milliseconds by a clock that all processes share; of what need not be put in order: `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<i64>,
    /// What the sockets are sent.
    pub data: serde_json::Value,
    /// Not worth telling after this time (milliseconds since the epoch), by the clock of the process that holds it: on its
    /// way to another, what it has left goes with it.
    pub expires_at: i64,
}

impl Signal {
    /// Whether no socket of `user` is told, because it comes from them.
    #[must_use]
    pub fn spares(&self, user: Uuid) -> bool {
        self.from == Some(user) && self.from_session.is_none()
    }

    /// Whether it waits behind no other signal and is not shed before them: whatever concerns a call.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.name.starts_with("call.")
    }
}

/// A stream of signals, urgent ones first. Bounded: when nobody keeps up, the oldest are shed, urgent ones only
/// among themselves; expired ones are skipped.
#[derive(Debug)]
pub struct SignalSubscription {
    urgent: broadcast::Receiver<Arc<Signal>>,
    other: broadcast::Receiver<Arc<Signal>>,
    clock: fn() -> Timestamp,
    shed: u64,
    counters: Arc<Counters>,
    bound: Bound,
}

impl SignalSubscription {
    pub(crate) fn new(
        urgent: broadcast::Receiver<Arc<Signal>>,
        other: broadcast::Receiver<Arc<Signal>>,
        clock: fn() -> Timestamp,
        counters: Arc<Counters>,
    ) -> Self {
        Self { urgent, other, clock, shed: 0, counters, bound: Bound::default() }
    }

    pub(crate) fn bound_to(self, bound: Bound) -> Self {
        Self { bound, ..self }
    }

    /// The next signal that is still worth telling; `None` once the broker is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<Signal>> {
        loop {
            let (heard, urgent) = tokio::select! {
                biased;
                Some(heard) = hear(&mut self.urgent) => (heard, true),
                Some(heard) = hear(&mut self.other) => (heard, false),
                else => return None,
            };
            let lost = match heard {
                Ok(signal) if signal.expires_at >= (self.clock)().millis() => return Some(signal),
                Ok(_) => 1,
                Err(lost) => lost,
            };
            self.shed += lost;
            self.counters.signals(urgent).dropped.add(lost);
        }
    }

    /// How many signals this subscription did not tell, too late or too many.
    #[must_use]
    pub const fn shed(&self) -> u64 {
        self.shed
    }

    /// Waits until signals of other processes reach this subscription, too; at once where there are none.
    pub async fn ready(&self) {
        self.bound.ready().await;
    }
}

/// The next signal, or how many were lost before it; `None` once the broker is gone.
async fn hear(signals: &mut broadcast::Receiver<Arc<Signal>>) -> Option<Result<Arc<Signal>, u64>> {
    match signals.recv().await {
        Ok(signal) => Some(Ok(signal)),
        Err(RecvError::Lagged(lost)) => Some(Err(lost)),
        Err(RecvError::Closed) => None,
    }
}
