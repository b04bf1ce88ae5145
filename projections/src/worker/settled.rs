//! Up to which position everything has been applied: one number to compare a receipt's position with.

use crate::checkpoint::mark;
use broker::Marks;
use domain::{Lane, Partition, Tier};
use event_store::{Head, Position};
use std::collections::{BTreeMap, BTreeSet};

/// Follows one projection over all partitions. Positions have no holes, so that what was applied beyond the
/// settled position is joined to it as soon as the gap closes.
#[derive(Debug)]
pub(crate) struct Settled {
    /// The log as it was at the start. Which events below it were applied already is not known one by one: the
    /// lanes must reach it first.
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

    /// All events up to here were applied.
    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    /// These events were applied, and the lanes have come to `marks`.
    pub(crate) fn applied(
        &mut self,
        positions: impl IntoIterator<Item = Position>,
        marks: &BTreeMap<Partition, Marks>,
    ) {
        // Of what came before the start nothing is noted: a replay of the whole log would fill the memory.
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
}
