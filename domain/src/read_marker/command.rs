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
    /// What the others are told.
    pub shown: Shown,
}

/// What the others are told of a marker that moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All.
    Whole,
    /// That it has arrived, not that it was seen.
    AsArrived,
    /// Nothing.
    Nothing,
}

/// What a marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Mark {
    /// The person has seen it.
    Read,
    /// It has reached a device of the person.
    Delivered,
}
