//! Events as administrators see them: all that is stored.

use domain::{Partition, Timestamp, hex, personal};
use event_store::{EventStore, OpenError, Position, ReadError, Record, RecordedEvent};
use serde::Serialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use utoipa::ToSchema;
use uuid::Uuid;

/// An event of the log, with all that is stored of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// Its place in the one order.
    pub position: Position,
    /// When the writer accepted it, by the writer's clock.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `message`, `conversation` …
    pub aggregate_type: String,
    /// The stream's id.
    pub aggregate_id: Uuid,
    /// Its place in its stream, from 1.
    pub sequence: u64,
    /// `message.sent` …
    #[serde(rename = "type")]
    pub event_type: String,
    /// The version of the type's shape.
    pub version: u16,
    /// The conversation; else the pair; else the user.
    pub scope: Uuid,
    /// In a conversation: the number of messages up to and including this event.
    pub scope_seq: u64,
    /// `high` or `medium`.
    pub tier: &'static str,
    /// The share of the log it is in.
    #[schema(value_type = u16)]
    pub partition: Partition,
    /// Who acted; null for the system and for those who are nobody yet.
    pub actor_id: Option<Uuid>,
    /// The idempotency key of the command: a keyed hash, `k.` and 32 hexadecimal digits, if a client made the key up.
    pub command_key: String,
    /// The request that began the chain of effects.
    pub correlation_id: Option<Uuid>,
    /// The position of the event that caused it.
    pub causation_id: Option<Position>,
    /// What it says. A personal value is `{"$personal": subject, "value": …}`; one that was forgotten has the value null
    /// and `"forgotten": true`.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// A flat object of strings.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// SHA-256 over all that is stored of it, in hex.
    pub digest: String,
}

impl AuditEvent {
    /// What is stored, with this payload.
    #[must_use]
    pub fn of(record: &Record, payload: Value) -> Self {
        Self {
            position: record.position,
            at: record.recorded_at,
            aggregate_type: record.aggregate_type.clone(),
            aggregate_id: record.aggregate_id,
            sequence: record.sequence,
            event_type: record.event_type.clone(),
            version: record.event_version,
            scope: record.scope,
            scope_seq: record.scope_seq,
            tier: record.lane.tier.as_str(),
            partition: record.lane.partition,
            actor_id: record.origin.actor,
            command_key: record.command_key.clone(),
            correlation_id: record.origin.correlation_id,
            causation_id: record.origin.causation_id,
            payload,
            metadata: parsed(&record.metadata),
            digest: hex::encode(&record.digest),
        }
    }

    /// As it is stored: personal values sealed.
    #[must_use]
    pub fn sealed(record: &Record) -> Self {
        Self::of(record, parsed(&record.payload))
    }

    /// With personal values in the clear. What does not open, though there is a key, is shown as it is stored.
    ///
    /// # Errors
    /// [`ReadError`] when a key cannot be read.
    pub async fn opened(store: &EventStore, event: &RecordedEvent) -> Result<Self, ReadError> {
        match store.unsealed(event).await {
            Ok(mut payload) => {
                let mut forget = |subject, _: &Value| {
                    Ok::<_, Infallible>(json!({ personal::PERSONAL: subject, "value": null, "forgotten": true }))
                };
                let Ok(()) = personal::open_each(&mut payload, &mut forget);
                Ok(Self::of(&event.record, payload))
            }
            Err(OpenError::Read(error)) => Err(error),
            Err(error) => {
                tracing::warn!(event.position = event.record.position, error.cause = %error, "An event does not open");
                Ok(Self::sealed(&event.record))
            }
        }
    }
}

/// What is no JSON is shown as the text it is.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
