//! A relation as it is seen from one of its ends.

use crate::{Change, Relation};
use domain::{ConversationId, UserId};
use uuid::Uuid;

/// Whose relations, and of which kind: what is kept, and read, as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum End {
    /// The friends of a user.
    Friends(UserId),
    /// Whom a user has blocked.
    Blocks(UserId),
    /// Who has blocked a user.
    Blockers(UserId),
    /// The members of a conversation.
    Members(ConversationId),
    /// The conversations of a user.
    Conversations(UserId),
}

impl Change {
    /// The ends from which this is seen, each with who or what is at the other.
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
