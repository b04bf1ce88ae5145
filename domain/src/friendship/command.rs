//! The commands of one person concerning another.

use crate::{EventType, Timestamp, UserId};
use serde::Serialize;

/// A command of `by` concerning `with`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct FriendshipCommand {
    pub by: UserId,
    /// The other person.
    pub with: UserId,
    pub act: FriendshipAct,
    pub now: Timestamp,
}

/// An act of one person concerning another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum FriendshipAct {
    /// Requests friendship, or accepts the other's pending request.
    Request,
    /// Accepts the other's request.
    Accept,
    /// Rejects the other's request.
    Reject,
    /// Withdraws the own request.
    Cancel,
    /// Blocks the other; ends a friendship or request.
    Block,
    /// Lifts the own block.
    Unblock,
    /// Ends the friendship.
    Unfriend,
}

impl FriendshipAct {
    /// The event type that it produces; a request that crosses another produces `friend.accepted`.
    #[must_use]
    pub const fn leads_to(self) -> &'static EventType {
        match self {
            Self::Request => const { EventType::named("friend.requested") },
            Self::Accept => const { EventType::named("friend.accepted") },
            Self::Reject => const { EventType::named("friend.rejected") },
            Self::Cancel => const { EventType::named("friend.cancelled") },
            Self::Block => const { EventType::named("friend.blocked") },
            Self::Unblock => const { EventType::named("friend.unblocked") },
            Self::Unfriend => const { EventType::named("friend.unfriended") },
        }
    }
}
