//! The progress of an epoch.

use crate::Position;
use domain::Lane;
use std::collections::BTreeMap;

/// The progress of an epoch: where its feeder continues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// In each lane, the position up to which all of its events were applied. A missing lane: 0.
    pub lanes: BTreeMap<Lane, Position>,
    /// The position up to which all events of all lanes were applied.
    pub settled: Position,
}

impl Marks {
    /// Raises each mark to that of `other` if that is greater.
    pub fn raise(&mut self, other: &Self) {
        self.settled = self.settled.max(other.settled);
        for (lane, position) in &other.lanes {
            let mark = self.lanes.entry(*lane).or_default();
            *mark = (*mark).max(*position);
        }
    }

    /// Whether each mark is at least that of `other`.
    #[must_use]
    pub fn reach(&self, other: &Self) -> bool {
        let mark = |lane| self.lanes.get(lane).copied().unwrap_or_default();
        self.settled >= other.settled && other.lanes.iter().all(|(lane, position)| mark(lane) >= *position)
    }
}
