//! Signals: ephemeral messages, sent once to the current listeners and never stored.

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
    /// The conversation whose members receive it …
    pub scope: Option<Uuid>,
    /// … or the people who do.
    pub users: Vec<Uuid>,
    /// The sender, whose own sockets do not receive it.
    pub from: Option<Uuid>,
    /// The sender's session. If given, only the sockets of that session do not receive it; the sender's other devices do.
    #[serde(default)]
    pub from_session: Option<Uuid>,
    /// The sender's socket, one of `from_session`. If given, that socket alone does not receive it: two windows of a browser
    /// may share a session. An older build does not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_socket: Option<Uuid>,
    /// If given, only the sockets of this session receive it.
    #[serde(default)]
    pub to_session: Option<Uuid>,
    /// If given, only those of `users` receive it who are in this conversation when it reaches their gateway.
    #[serde(default)]
    pub within: Option<Uuid>,
    /// Members of the scope who do not receive it: they and the sender are blocked either way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Uuid>,
    /// When it was sent, in milliseconds by a clock that all processes share; `None` for signals that need no order.
    #[serde(rename = "toldAt", default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<i64>,
    /// The data for the clients.
    pub data: serde_json::Value,
    /// When it expires (milliseconds since the epoch), by the clock of the process that holds it. Between processes the
    /// remaining time is sent instead.
    pub expires_at: i64,
}

impl Signal {
    /// A signal without sender and receivers: the caller sets those of its fields that apply.
    #[must_use]
    pub fn new(name: &str, data: serde_json::Value, expires_at: i64) -> Self {
        Self {
            name: name.to_owned(),
            scope: None,
            users: Vec::new(),
            from: None,
            from_session: None,
            from_socket: None,
            to_session: None,
            within: None,
            except: Vec::new(),
            sent_at: None,
            data,
            expires_at,
        }
    }

    /// Whether no socket of `user` receives it, because `user` is the sender.
    #[must_use]
    pub fn spares(&self, user: Uuid) -> bool {
        self.from == Some(user) && self.from_session.is_none()
    }

    /// Whether it overtakes other signals and is shed after them: signals of calls do.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.name.starts_with("call.")
    }
}

/// A stream of signals, urgent ones first. Bounded: when the listener does not keep up, the oldest are shed, urgent ones only
/// among themselves. Expired ones are skipped.
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

    /// The next signal that has not expired; `None` once the broker has stopped. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<Signal>> {
        loop {
            let (received, urgent) = tokio::select! {
                biased;
                Some(received) = receive(&mut self.urgent) => (received, true),
                Some(received) = receive(&mut self.other) => (received, false),
                else => return None,
            };
            let lost = match received {
                Ok(signal) if signal.expires_at >= (self.clock)().millis() => return Some(signal),
                Ok(_) => 1,
                Err(lost) => lost,
            };
            self.shed += lost;
            self.counters.signals(urgent).dropped.add(lost);
        }
    }

    /// The number of signals that this subscription dropped: expired ones, and those for which it had no room.
    #[must_use]
    pub const fn shed(&self) -> u64 {
        self.shed
    }

    /// Waits until signals of other processes reach this subscription, too; returns at once without RabbitMQ.
    pub async fn ready(&self) {
        self.bound.ready().await;
    }
}

/// The next signal, or the number of signals lost before it; `None` once the broker has stopped.
async fn receive(signals: &mut broadcast::Receiver<Arc<Signal>>) -> Option<Result<Arc<Signal>, u64>> {
    match signals.recv().await {
        Ok(signal) => Some(Ok(signal)),
        Err(RecvError::Lagged(lost)) => Some(Err(lost)),
        Err(RecvError::Closed) => None,
    }
}
