//! What can be asked of the log, and why an answer may fail.

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

/// Which events to read, in position order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All.
    All,
    /// Those of one lane.
    Lane(Lane),
    /// Those of one tier.
    Tier(Tier),
    /// Those of some partitions, in both tiers.
    Partitions(Vec<u16>),
}

/// A time during which a user receives a scope: its events from `from` up to `until`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The scope.
    pub scope: Uuid,
    /// The position of the event by which they entered: it is the first they receive.
    pub from: Position,
    /// The position of the event by which they left, the last they receive; `None` while they are in.
    pub until: Option<Position>,
}

/// What somebody is to catch up on: everything they may see after their cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Who.
    pub user: Uuid,
    /// When they received which scopes.
    pub intervals: Vec<Interval>,
    /// High events up to here are known to them.
    pub high: Position,
    /// Medium events up to here are known to them.
    pub medium: Position,
    /// Nothing after this position.
    pub until: Position,
    /// At most so many events.
    pub limit: u32,
    /// No more events once their payloads take up so many bytes.
    pub bytes: u32,
}

/// A read that failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store is away; come back later.
    #[error("the event store is unavailable: {0}")]
    Unavailable(#[from] sql::Error),
    /// A newer build wrote the event at this position, and this one cannot read it.
    #[error("a newer version wrote the event at {0}, which this one cannot read")]
    Newer(Position),
    /// The store answered something that must not be.
    #[error("the event store is damaged: {0}")]
    Damaged(String),
}

impl ReadError {
    /// The store has not answered for this long.
    #[must_use]
    pub const fn unanswered(within: Duration) -> Self {
        Self::Unavailable(sql::Error::Unanswered(within))
    }
}

/// A stored event that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// This build does not know it, or its shape is wrong.
    #[error(transparent)]
    Decode(#[from] domain::DecodeError),
    /// It is not JSON.
    #[error("the payload is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A sealed value is not what its key sealed.
    #[error("a sealed value of {0} does not open")]
    Seal(Uuid),
    /// A data key could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl OpenError {
    /// Whether another build may open the event: this one does not know its type or version, or another shape of it.
    #[must_use]
    pub const fn is_for_another_build(&self) -> bool {
        matches!(self, Self::Decode(_))
    }
}
