//! What events say of who has to do with whom.

use domain::{ConversationId, Event, Presence, UserId, friendship::FriendshipEvent};
use uuid::Uuid;

/// Something that holds between two, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Two people are friends; the lesser id first, see [`Relation::friends`].
    Friends(UserId, UserId),
    /// One person has blocked another.
    Blocks {
        /// Who.
        by: UserId,
        /// Whom.
        with: UserId,
    },
    /// A person is in a conversation.
    Member {
        /// Which.
        conversation: ConversationId,
        /// Who.
        user: UserId,
    },
}

impl Relation {
    /// The friendship of two, whichever way round they are named.
    #[must_use]
    pub fn friends(a: UserId, b: UserId) -> Self {
        Self::Friends(a.min(b), a.max(b))
    }
}

/// A relation begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub relation: Relation,
    /// Whether it holds from here on.
    pub holds: bool,
}

/// What an event of `stream` changes; most change nothing. No event changes a relation twice.
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
            .about(stream)
            .into_iter()
            .filter_map(|about| {
                let member = Relation::Member { conversation: stream.into(), user: about.user };
                match about.presence {
                    Presence::Enters => Some(begins(member)),
                    Presence::Leaves => Some(ends(member)),
                    Presence::Told => None,
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
