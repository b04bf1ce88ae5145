//! What can be asked of a read marker.

use crate::{ConversationId, UserId};
use serde::Serialize;

/// A command on the marker of `user` in `conversation`. That the user is a member is checked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadMarkerCommand {
    /// Where.
    pub conversation: ConversationId,
    /// Whose.
    pub user: UserId,
    /// Up to which seq.
    pub up_to: u64,
    /// The conversation's last seq: markers are clamped to it.
    pub head: u64,
    /// Seen, or merely arrived.
    pub mark: Mark,
    /// Whether what is seen is kept from the others.
    pub private: bool,
}

/// What a marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Mark {
    /// The person has seen it.
    Read,
    /// It has reached a device of the person.
    Delivered,
}
