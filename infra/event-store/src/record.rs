//! What is stored of an event.

use domain::{AggregateType, Event, Lane, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::OnceLock};
use uuid::Uuid;

use crate::Position;

/// The name of a stream: one aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Which kind of aggregate.
    pub aggregate: AggregateType,
    /// Which one.
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

/// Where a command came from; stored with each of its events (I7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The user who acted; `None` for the system and for those who are nobody yet.
    pub actor: Option<Uuid>,
    /// The request that began the chain of effects.
    pub correlation_id: Option<Uuid>,
    /// The position of the event that caused this one (reactors).
    pub causation_id: Option<Position>,
}

/// An event as it is stored: its personal values sealed. This is also what travels on a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its place in the one order.
    pub position: Position,
    /// `user`, `message` …: kept as text, so that a reader older than the writer can carry it.
    pub aggregate_type: String,
    /// The stream's id.
    pub aggregate_id: Uuid,
    /// Its place in its stream, from 1.
    pub sequence: u64,
    /// `message.sent` …
    pub event_type: String,
    /// The version of the type's shape.
    pub event_version: u16,
    /// The sealed JSON, exactly as stored and hashed.
    pub payload: String,
    /// A flat JSON object of strings, exactly as stored and hashed.
    pub metadata: String,
    /// What it belongs to for ordering and delivery.
    pub scope: Uuid,
    /// In a conversation: the number of messages up to and including this event.
    pub scope_seq: u64,
    /// The lane it travels on.
    pub lane: Lane,
    /// Who, and in which chain.
    pub origin: Origin,
    /// The command's idempotency key; [hashed](crate::EventStore::key_hash), if a client made it up.
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

/// A stored event and, once somebody has opened it, what it says. Shared behind an `Arc`, so that a process
/// opens each event at most once; the writer's own process never has to.
#[derive(Debug)]
pub struct RecordedEvent {
    /// What is stored.
    pub record: Record,
    pub(crate) opened: OnceLock<Event>,
}

impl RecordedEvent {
    /// An event that nobody has opened yet.
    #[must_use]
    pub const fn sealed(record: Record) -> Self {
        Self { record, opened: OnceLock::new() }
    }

    /// An event whose content is known.
    #[must_use]
    pub fn known(record: Record, event: Event) -> Self {
        Self { record, opened: OnceLock::from(event) }
    }

    /// Its stream; `None` for an aggregate this build does not know.
    #[must_use]
    pub fn stream(&self) -> Option<StreamId> {
        Some(StreamId { aggregate: AggregateType::parse(&self.record.aggregate_type)?, id: self.record.aggregate_id })
    }
}
