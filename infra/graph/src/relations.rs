//! Relations in memory, each with the last position that changed it.

use crate::{Change, Position, Relation};
use domain::{ConversationId, UserId};
use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

/// Which relations hold, seen from both ends.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    /// The last change of each, ended ones included: an event that is told again must not revive them.
    changed: HashMap<Relation, Position>,
    position: Position,
    friends: HashMap<UserId, BTreeSet<UserId>>,
    blocks: HashMap<UserId, BTreeSet<UserId>>,
    members: HashMap<ConversationId, BTreeSet<UserId>>,
    conversations: HashMap<UserId, BTreeSet<ConversationId>>,
}

impl Relations {
    pub(crate) fn apply(&mut self, position: Position, change: Change) {
        self.position = self.position.max(position);
        let last = self.changed.entry(change.relation).or_default();
        if position <= *last {
            return;
        }
        *last = position;
        let holds = change.holds;
        match change.relation {
            Relation::Friends(a, b) => {
                set(&mut self.friends, a, b, holds);
                set(&mut self.friends, b, a, holds);
            }
            Relation::Blocks { by, with } => set(&mut self.blocks, by, with, holds),
            Relation::Member { conversation, user } => {
                set(&mut self.members, conversation, user, holds);
                set(&mut self.conversations, user, conversation, holds);
            }
        }
    }

    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    pub(crate) fn friends(&self, user: UserId) -> BTreeSet<UserId> {
        self.friends.get(&user).cloned().unwrap_or_default()
    }

    pub(crate) fn blocked_by(&self, user: UserId) -> BTreeSet<UserId> {
        self.blocks.get(&user).cloned().unwrap_or_default()
    }

    pub(crate) fn members(&self, conversation: ConversationId) -> BTreeSet<UserId> {
        self.members.get(&conversation).cloned().unwrap_or_default()
    }

    pub(crate) fn conversations(&self, user: UserId) -> BTreeSet<ConversationId> {
        self.conversations.get(&user).cloned().unwrap_or_default()
    }
}

fn set<A: Hash + Eq, B: Ord>(index: &mut HashMap<A, BTreeSet<B>>, from: A, to: B, holds: bool) {
    if holds {
        index.entry(from).or_default().insert(to);
    } else if let Some(others) = index.get_mut(&from) {
        others.remove(&to);
        if others.is_empty() {
            index.remove(&from);
        }
    }
}
