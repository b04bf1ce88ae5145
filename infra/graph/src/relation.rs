//! Relations, and their changes by events.

use domain::{AudienceChange, ConversationId, Event, UserId, friendship::FriendshipEvent};
use uuid::Uuid;

/// A relation between two users, or a user and a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Two people are friends; the lesser id first, see [`Relation::friends`].
    Friends(UserId, UserId),
    /// One person has blocked another.
    Blocks {
        /// The user who blocks.
        by: UserId,
        /// The blocked user.
        with: UserId,
    },
    /// A person is in a conversation.
    Member {
        /// The conversation.
        conversation: ConversationId,
        /// The member.
        user: UserId,
    },
}

impl Relation {
    /// The friendship of two users, in any order.
    #[must_use]
    pub fn friends(a: UserId, b: UserId) -> Self {
        Self::Friends(a.min(b), a.max(b))
    }
}

/// A relation begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The relation.
    pub relation: Relation,
    /// Whether it holds after the change.
    pub holds: bool,
}

/// The changes by an event of `stream`; most events change no relation. No event changes a relation twice.
#[must_use]
pub fn changes(event: &Event, stream: Uuid) -> Vec<Change> {
    let begins = |relation| Change { relation, holds: true };
    let ends = |relation| Change { relation, holds: false };
    match event {
        Event::Friendship(FriendshipEvent::Accepted { by, with }) => vec![begins(Relation::friends(*by, *with))],
        Event::Friendship(FriendshipEvent::Unfriended { by, with }) => vec![ends(Relation::friends(*by, *with))],
        Event::Friendship(FriendshipEvent::Blocked { by, with }) => {
            vec![ends(Relation::friends(*by, *with)), begins(Relation::Blocks { by: *by, with: *with })]
        }
        Event::Friendship(FriendshipEvent::Unblocked { by, with, .. }) => {
            vec![ends(Relation::Blocks { by: *by, with: *with })]
        }
        Event::Conversation(_) => event
            .recipients(stream)
            .into_iter()
            .filter_map(|about| {
                let member = Relation::Member { conversation: stream.into(), user: about.user };
                match about.change {
                    AudienceChange::Join => Some(begins(member)),
                    AudienceChange::Leave => Some(ends(member)),
                    AudienceChange::None => None,
                }
            })
            .collect(),
        Event::Friendship(_)
        | Event::User(_)
        | Event::Session(_)
        | Event::Message(_)
        | Event::ReadMarker(_)
        | Event::Call(_)
        | Event::OwnSettings(_)
        | Event::File(_)
        | Event::Conduct(_)
        | Event::Story(_)
        | Event::Report(_)
        | Event::Administration(_)
        | Event::Audit(_) => vec![],
    }
}
