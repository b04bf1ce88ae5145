//! Selections of events, and failures of reads.

use crate::{Heads, Position};
use domain::{Lane, Tier};
use std::time::Duration;
use uuid::Uuid;

/// The newest state of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last position.
    pub position: Position,
    /// The hash chain up to it.
    pub chain: [u8; 32],
    /// The last position of each lane.
    pub heads: Heads,
}

/// The events to read, in position order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All events.
    All,
    /// Those of one lane.
    Lane(Lane),
    /// Those of one tier.
    Tier(Tier),
    /// Those of some partitions, in both tiers.
    Partitions(Vec<u16>),
}

/// The positions during which a user is in a scope's audience, from `from` up to `until`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The scope.
    pub scope: Uuid,
    /// The position of the event by which they joined, the first they receive.
    pub from: Position,
    /// The position of the event by which they left, the last they receive; `None` while they are members.
    pub until: Option<Position>,
}

/// The events a person catches up on: all they may see after their cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The person.
    pub user: Uuid,
    /// Their intervals.
    pub intervals: Vec<Interval>,
    /// They have received the high events up to here.
    pub high: Position,
    /// They have received the medium events up to here.
    pub medium: Position,
    /// The last position to read.
    pub until: Position,
    /// The most events.
    pub limit: u32,
    /// No further events once their payloads have this many bytes.
    pub bytes: u32,
}

/// A read that failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store is unavailable; try again later.
    #[error("the event store is unavailable: {0}")]
    Unavailable(#[from] sql::Error),
    /// A newer build wrote the event at this position, and this one cannot read it.
    #[error("a newer version wrote the event at {0}, which this one cannot read")]
    Newer(Position),
    /// The store returned an impossible value.
    #[error("the event store is damaged: {0}")]
    Damaged(String),
}

impl ReadError {
    /// The store did not answer within this time.
    #[must_use]
    pub const fn unanswered(within: Duration) -> Self {
        Self::Unavailable(sql::Error::Unanswered(within))
    }
}

/// A stored event that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// This build does not know its type or version, or its payload is malformed.
    #[error(transparent)]
    Decode(#[from] domain::DecodeError),
    /// The payload is not JSON.
    #[error("the payload is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A sealed value cannot be decrypted.
    #[error("a sealed value of {0} does not open")]
    Seal(Uuid),
    /// A data key could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl OpenError {
    /// Whether another build may open the event: this one does not know its type, version or payload.
    #[must_use]
    pub const fn is_for_another_build(&self) -> bool {
        matches!(self, Self::Decode(_))
    }
}
