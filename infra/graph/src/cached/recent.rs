//! The most recent changes.

use crate::{Position, end::End};
use std::collections::{BTreeMap, HashMap, VecDeque};
use uuid::Uuid;

/// The most recent changes, the newest of each relation.
#[derive(Debug)]
pub(super) struct Recent {
    bound: usize,
    /// All changes above this position are included; some up to it are not.
    horizon: Position,
    changes: HashMap<End, BTreeMap<Uuid, (Position, bool)>>,
    order: VecDeque<(Position, End, Uuid)>,
}

/// How a change compares with the known ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// The newest of its relation.
    Newest,
    /// A later one is known.
    Late,
    /// A later one may have been dropped already.
    Unknown,
}

impl Recent {
    /// Keeps at most `bound` changes after `horizon`.
    pub(super) fn new(bound: usize, horizon: Position) -> Self {
        Self { bound, horizon, changes: HashMap::new(), order: VecDeque::new() }
    }

    /// A read of the graph must include all changes up to here.
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
