//! The relations of one epoch in memory, each with the last position that changed it.

use crate::{Change, Marks, Position, Relation, end::End};
use std::collections::{BTreeSet, HashMap, hash_map::Entry};
use uuid::Uuid;

/// The relations that hold, from both ends, and the epoch's progress.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    /// The last change of each, including ended ones above the floor: a repeated event must not revive them.
    changed: HashMap<Relation, Position>,
    /// Ended relations, by position.
    ended: BTreeSet<(Position, Relation)>,
    /// Ended relations up to here were dropped.
    floor: Position,
    others: HashMap<End, BTreeSet<Uuid>>,
    marks: Marks,
}

impl Relations {
    pub(crate) fn apply(&mut self, position: Position, change: Change) {
        match self.changed.entry(change.relation) {
            Entry::Occupied(last) if position <= *last.get() => return,
            Entry::Occupied(mut last) => {
                self.ended.remove(&(*last.get(), change.relation));
                *last.get_mut() = position;
            }
            Entry::Vacant(_) if position <= self.floor => return,
            Entry::Vacant(first) => {
                first.insert(position);
            }
        }
        if !change.holds {
            self.ended.insert((position, change.relation));
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

    pub(crate) fn forget_ended(&mut self, floor: Position) {
        self.floor = self.floor.max(floor);
        while let Some((_, relation)) = self.ended.first().copied().filter(|(position, _)| *position <= self.floor) {
            self.ended.pop_first();
            self.changed.remove(&relation);
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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ConversationId, UserId};

    #[test]
    fn ended_relations_are_kept_up_to_the_floor() {
        let mut relations = Relations::default();
        let member =
            |user| Relation::Member { conversation: ConversationId::default(), user: UserId(Uuid::from_u128(user)) };
        for n in 0..1_000 {
            relations.apply(2 * n + 1, Change { relation: member(u128::from(n)), holds: true });
            relations.apply(2 * n + 2, Change { relation: member(u128::from(n)), holds: false });
            relations.forget_ended((2 * n).saturating_sub(10));
            assert!(relations.changed.len() <= 8 && relations.ended.len() <= 8);
        }
        relations.apply(5_000, Change { relation: member(1), holds: true });
        relations.forget_ended(9_000);
        assert_eq!((relations.changed.len(), relations.ended.len()), (1, 0), "relations that hold are kept");
    }
}
