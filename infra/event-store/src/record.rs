//! Events as they are stored.

use domain::{AggregateType, Event, EventType, Lane, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::OnceLock};
use traces::TraceContext;
use uuid::Uuid;

use crate::Position;

/// The id of a stream: one aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The type of the aggregate.
    pub aggregate: AggregateType,
    /// Its id.
    pub id: Uuid,
}

impl StreamId {
    /// The stream of `aggregate` with this id.
    pub fn new(aggregate: AggregateType, id: impl Into<Uuid>) -> Self {
        Self { aggregate, id: id.into() }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.aggregate, self.id)
    }
}

/// The origin of a command; stored with each of its events (I7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The user who acted; `None` for the system and before sign-up.
    pub actor: Option<Uuid>,
    /// The id of the request that began the chain of effects.
    pub correlation_id: Option<Uuid>,
    /// The position of the event that caused this one (reactors).
    pub causation_id: Option<Position>,
}

/// An event as it is stored and published, with its personal values sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its number in the log.
    pub position: Position,
    /// `user`, `message` …: text, so that an older build can pass it on.
    pub aggregate_type: String,
    /// The stream's id.
    pub aggregate_id: Uuid,
    /// Its number in its stream, from 1.
    pub sequence: u64,
    /// `message.sent` …
    pub event_type: String,
    /// The version of the payload.
    pub event_version: u16,
    /// The sealed JSON, exactly as stored and hashed.
    pub payload: String,
    /// A flat JSON object of strings, exactly as stored and hashed.
    pub metadata: String,
    /// The conversation, pair or person it belongs to, for ordering and delivery.
    pub scope: Uuid,
    /// In a conversation: the number of messages up to and including this event.
    pub scope_seq: u64,
    /// Its lane.
    pub lane: Lane,
    /// The actor, and the chain of effects.
    pub origin: Origin,
    /// The command's idempotency key; [hashed](crate::EventStore::key_hash) if it is a client's.
    pub command_key: String,
    /// When the writer accepted it, by the writer's clock.
    #[serde(with = "millis")]
    pub recorded_at: Timestamp,
    /// SHA-256 over all of the above; see `docs/adr/0003-hash-chain.md`.
    pub digest: [u8; 32],
}

mod millis {
    use domain::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.millis())
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

impl Record {
    /// Whether it is of one of these types.
    #[must_use]
    pub fn is_of(&self, types: &[&EventType]) -> bool {
        types.iter().any(|one| one.name == self.event_type)
    }
}

/// A stored event and, once opened, its content. Shared behind an `Arc`, so that a process opens each event at most once; the
/// writer's process never has to.
#[derive(Debug)]
pub struct RecordedEvent {
    /// The stored event.
    pub record: Record,
    pub(crate) opened: OnceLock<Event>,
    /// The append of its command, while the event travels from it.
    trace: Option<TraceContext>,
}

impl RecordedEvent {
    /// An event that was not opened yet.
    #[must_use]
    pub const fn sealed(record: Record) -> Self {
        Self { record, opened: OnceLock::new(), trace: None }
    }

    /// An event whose content is known.
    #[must_use]
    pub fn known(record: Record, event: Event) -> Self {
        Self { record, opened: OnceLock::from(event), trace: None }
    }

    /// The same event, as part of a trace.
    #[must_use]
    pub fn traced(self, trace: Option<TraceContext>) -> Self {
        Self { trace, ..self }
    }

    /// The append that consumers continue the trace of; `None`: it is not traced, or was read from the log.
    #[must_use]
    pub const fn trace(&self) -> Option<TraceContext> {
        self.trace
    }

    /// Its stream; `None` for an aggregate this build does not know.
    #[must_use]
    pub fn stream(&self) -> Option<StreamId> {
        Some(StreamId { aggregate: AggregateType::parse(&self.record.aggregate_type)?, id: self.record.aggregate_id })
    }
}
