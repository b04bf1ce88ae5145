//! Signals: what is told once to whoever is there, and never stored.

use serde::{Deserialize, Serialize};
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
    /// What the sockets are sent.
    pub data: serde_json::Value,
    /// Not worth telling after this time (milliseconds since the epoch).
    pub expires_at: i64,
}
