//! The changes that were observed last.

use crate::{Position, end::End};
use std::collections::{BTreeMap, HashMap, VecDeque};
use uuid::Uuid;

/// The changes that were observed last, of each relation the newest.
#[derive(Debug)]
pub(super) struct Recent {
    bound: usize,
    /// All changes above this position are here; of those up to it some or all are not.
    horizon: Position,
    changes: HashMap<End, BTreeMap<Uuid, (Position, bool)>>,
    order: VecDeque<(Position, End, Uuid)>,
}

/// What a change is to what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// The newest of its relation.
    Newest,
    /// A later one is known.
    Late,
    /// A later one may have been forgotten already.
    Unknown,
}

impl Recent {
    /// Keeps `bound` changes of those after `horizon`.
    pub(super) fn new(bound: usize, horizon: Position) -> Self {
        Self { bound, horizon, changes: HashMap::new(), order: VecDeque::new() }
    }

    /// What is read from the graph must have all changes up to here.
    pub(super) const fn horizon(&self) -> Position {
        self.horizon
    }

    pub(super) fn note(&mut self, position: Position, end: End, other: Uuid, holds: bool) -> Noted {
        let known = self.changes.get(&end).and_then(|changes| changes.get(&other));
        match known {
            Some((last, _)) if position <= *last => return Noted::Late,
            Some(_) => (),
            None if position <= self.horizon => return Noted::Unknown,
            None => (),
        }
        self.changes.entry(end).or_default().insert(other, (position, holds));
        self.order.push_back((position, end, other));
        while self.order.len() > self.bound {
            self.forget();
        }
        Noted::Newest
    }

    /// The changes of one end.
    pub(super) fn changes(&self, end: End) -> impl Iterator<Item = (Uuid, bool)> + '_ {
        self.changes.get(&end).into_iter().flatten().map(|(other, (_, holds))| (*other, *holds))
    }

    fn forget(&mut self) {
        let Some((position, end, other)) = self.order.pop_front() else { return };
        self.horizon = self.horizon.max(position);
        let Some(changes) = self.changes.get_mut(&end) else { return };
        if changes.get(&other).is_some_and(|(last, _)| *last == position) {
            changes.remove(&other);
        }
        if changes.is_empty() {
            self.changes.remove(&end);
        }
    }
}
