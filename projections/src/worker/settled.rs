//! The settled position: everything up to it is applied. A receipt's position is compared with it.

use crate::checkpoint::mark;
use broker::Marks;
use domain::{Lane, Partition, Tier};
use event_store::{Head, Position};
use std::collections::{BTreeMap, BTreeSet};

/// The most remembered positions beyond the settled one, of some 20 bytes each. A worker far behind exceeds it; then it
/// suffices to know when the lanes reach the present head.
const BEYOND: usize = if cfg!(test) { 8 } else { 1 << 18 };

/// Tracks one projection over all partitions. Positions are dense, so positions applied beyond the settled one join it
/// when the gap closes.
#[derive(Debug)]
pub(crate) struct Settled {
    /// The head at the start. Which events below it are applied is unknown one by one: the lanes must reach it first.
    start: Option<Head>,
    position: Position,
    beyond: BTreeSet<Position>,
}

impl Settled {
    pub(crate) fn new(start: Head, marks: &BTreeMap<Partition, Marks>) -> Self {
        let mut settled = Self { start: Some(start), position: 0, beyond: BTreeSet::new() };
        settled.reach(marks);
        settled
    }

    /// Everything up to here is applied.
    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    /// Whether so many positions overtook that it should [start over](Self::restart).
    pub(crate) fn is_long(&self) -> bool {
        self.beyond.len() > BEYOND
    }

    /// Forgets the positions beyond. The settled position stays until the lanes reach `head`, which is later than
    /// everything applied.
    pub(crate) fn restart(&mut self, head: Head, marks: &BTreeMap<Partition, Marks>) {
        self.start = Some(head);
        self.beyond.clear();
        self.reach(marks);
    }

    /// Records that events were applied, and the marks the lanes have reached.
    pub(crate) fn applied(
        &mut self,
        positions: impl IntoIterator<Item = Position>,
        marks: &BTreeMap<Partition, Marks>,
    ) {
        // Positions before the start are not recorded: a replay of the whole log would fill the memory.
        let start = self.start.as_ref().map_or(0, |start| start.position);
        for position in positions.into_iter().filter(|position| *position > start) {
            if position == self.position + 1 && self.start.is_none() {
                self.position = position;
            } else if position > self.position {
                self.beyond.insert(position);
            }
        }
        self.reach(marks);
    }

    fn reach(&mut self, marks: &BTreeMap<Partition, Marks>) {
        if let Some(start) = &self.start {
            let reached = |(partition, marks): (&Partition, &Marks)| {
                Tier::DURABLE
                    .into_iter()
                    .all(|tier| mark(*marks, tier) >= start.heads.lane(Lane { tier, partition: *partition }))
            };
            if !marks.iter().all(reached) {
                return;
            }
            self.position = start.position;
            self.start = None;
            self.beyond = self.beyond.split_off(&(self.position + 1));
        }
        while self.beyond.remove(&(self.position + 1)) {
            self.position += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_store::Heads;

    fn head(position: Position, lanes: Vec<Position>) -> Head {
        Head { position, chain: [0; 32], heads: Heads::from_lanes(1, lanes).unwrap() }
    }

    fn at(high: Position, medium: Position) -> BTreeMap<Partition, Marks> {
        BTreeMap::from([(Partition(0), Marks { high, medium })])
    }

    #[test]
    fn an_empty_log_is_settled_at_once() {
        assert_eq!(Settled::new(head(0, vec![0, 0]), &at(0, 0)).position(), 0);
    }

    #[test]
    fn what_overtook_counts_once_the_gap_closes() {
        let mut settled = Settled::new(head(3, vec![3, 2]), &at(1, 0));
        assert_eq!(settled.position(), 0);
        settled.applied([3, 5], &at(5, 0));
        assert_eq!(settled.position(), 0, "the medium lane has not reached the start");
        settled.applied([2], &at(5, 2));
        assert_eq!(settled.position(), 3);
        settled.applied([4], &at(5, 4));
        assert_eq!(settled.position(), 5);
        settled.applied([6, 7], &at(7, 4));
        assert_eq!(settled.position(), 7);
    }

    #[test]
    fn of_what_overtakes_by_far_no_more_is_remembered() {
        let mut settled = Settled::new(head(3, vec![3, 2]), &at(1, 0));
        settled.applied(4..=20, &at(20, 0));
        assert!(settled.is_long());
        settled.restart(head(20, vec![20, 2]), &at(20, 0));
        assert!(!settled.is_long() && settled.position() == 0);
        settled.applied([21], &at(21, 0));
        assert_eq!(settled.position(), 0, "the medium lane has not come so far");
        settled.applied([2], &at(21, 2));
        assert_eq!(settled.position(), 21);
        settled.applied(23..=40, &at(40, 2));
        settled.restart(head(40, vec![40, 22]), &at(40, 2));
        assert_eq!(settled.position(), 21, "what was settled stays so");
        settled.applied([22], &at(40, 22));
        assert_eq!(settled.position(), 40);
    }
}
