//! The relations of one epoch in memory, each with the last position that changed it.

use crate::{Change, Marks, Position, Relation, end::End};
use std::collections::{BTreeSet, HashMap, hash_map::Entry};
use uuid::Uuid;

/// Which relations hold, seen from both ends, and up to where that was told.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    /// The last change of each, ended ones included: an event that is told again must not revive them.
    changed: HashMap<Relation, Position>,
    others: HashMap<End, BTreeSet<Uuid>>,
    marks: Marks,
}

impl Relations {
    pub(crate) fn apply(&mut self, position: Position, change: Change) {
        match self.changed.entry(change.relation) {
            Entry::Occupied(last) if position <= *last.get() => return,
            Entry::Occupied(mut last) => *last.get_mut() = position,
            Entry::Vacant(first) => {
                first.insert(position);
            }
        }
        for (end, other) in change.ends() {
            if change.holds {
                self.others.entry(end).or_default().insert(other);
            } else if let Some(others) = self.others.get_mut(&end) {
                others.remove(&other);
                if others.is_empty() {
                    self.others.remove(&end);
                }
            }
        }
    }

    pub(crate) fn others(&self, end: End) -> BTreeSet<Uuid> {
        self.others.get(&end).cloned().unwrap_or_default()
    }

    pub(crate) fn size(&self, end: End) -> u64 {
        self.others.get(&end).map_or(0, |others| others.len() as u64)
    }

    pub(crate) const fn marks(&self) -> &Marks {
        &self.marks
    }

    pub(crate) fn raise(&mut self, marks: &Marks) {
        self.marks.raise(marks);
    }
}
