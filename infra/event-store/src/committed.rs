//! Committed batches, as the writer publishes them to this process in commit order.

use crate::{Position, RecordedEvent};
use domain::{Lane, Tier};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A committed batch: dense positions that follow those of the batch before it in the log. A batch without events means that
/// events were committed that only the store can return.
#[derive(Clone, Debug, Default)]
pub struct CommittedBatch {
    /// Its events in position order.
    pub events: Vec<Linked>,
}

/// An event and its link, so that a consumer knows which events it has not seen (I11).
#[derive(Clone, Debug)]
pub struct Linked {
    /// The event.
    pub event: Arc<RecordedEvent>,
    /// The positions before it.
    pub link: Link,
}

/// The positions that precede an event (0: none).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The event before it in its lane.
    pub lane: Position,
    /// The event before it in its tier.
    pub tier: Position,
    /// The last high event of its partition before it.
    pub high: Position,
}

/// The last position of each durable lane: all high lanes, then all medium ones ([`Lane::index`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    partitions: u16,
    lanes: Vec<Position>,
}

impl Heads {
    /// The heads of an empty log.
    #[must_use]
    pub fn new(partitions: u16) -> Self {
        Self { partitions, lanes: vec![0; 2 * usize::from(partitions)] }
    }

    /// From the stored array; `None` when its length is wrong.
    #[must_use]
    pub fn from_lanes(partitions: u16, lanes: Vec<Position>) -> Option<Self> {
        (lanes.len() == 2 * usize::from(partitions)).then_some(Self { partitions, lanes })
    }

    /// The stored array.
    #[must_use]
    pub fn lanes(&self) -> &[Position] {
        &self.lanes
    }

    /// The last position of a lane.
    #[must_use]
    pub fn lane(&self, lane: Lane) -> Position {
        lane.index(self.partitions).and_then(|index| self.lanes.get(index)).copied().unwrap_or_default()
    }

    /// The last position of a tier.
    #[must_use]
    pub fn tier(&self, tier: Tier) -> Position {
        let partitions = usize::from(self.partitions);
        let lanes = match tier {
            Tier::High => &self.lanes[..partitions],
            Tier::Medium => &self.lanes[partitions..],
            Tier::Low => &[],
        };
        lanes.iter().copied().max().unwrap_or_default()
    }

    /// Advances over an event at `position` on `lane`; returns its link.
    pub fn advance(&mut self, lane: Lane, position: Position) -> Link {
        let link = Link {
            lane: self.lane(lane),
            tier: self.tier(lane.tier),
            high: self.lane(Lane { tier: Tier::High, partition: lane.partition }),
        };
        if let Some(head) = lane.index(self.partitions).and_then(|index| self.lanes.get_mut(index)) {
            *head = position;
        }
        link
    }
}
