//! A relation as seen from one of its ends.

use crate::{Change, Position, Relation};
use domain::{ConversationId, UserId};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The relations of one kind of one user or conversation; stored and read as a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum End {
    /// The friends of a user.
    Friends(UserId),
    /// The users blocked by a user.
    Blocks(UserId),
    /// The users who have blocked a user.
    Blockers(UserId),
    /// The members of a conversation.
    Members(ConversationId),
    /// The conversations of a user.
    Conversations(UserId),
}

/// The users or conversations at the other ends of the relations of one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// All changes up to here are included; later ones may be.
    pub(crate) settled: Position,
    pub(crate) others: BTreeSet<Uuid>,
}

impl Change {
    /// Both ends of the relation, each with the id at the other end.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (End, Uuid)> + use<> {
        let (here, there) = match self.relation {
            Relation::Friends(a, b) => ((End::Friends(a), b.0), (End::Friends(b), a.0)),
            Relation::Blocks { by, with } => ((End::Blocks(by), with.0), (End::Blockers(with), by.0)),
            Relation::Member { conversation, user } => {
                ((End::Members(conversation), user.0), (End::Conversations(user), conversation.0))
            }
        };
        [here, there].into_iter()
    }
}
