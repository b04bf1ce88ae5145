//! The commands on a read marker.

use crate::{ConversationId, UserId};
use serde::Serialize;

/// A command on the marker of `user` in `conversation`. The caller has checked that the user is a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct ReadMarkerCommand {
    pub conversation: ConversationId,
    pub user: UserId,
    /// The requested seq.
    pub up_to: u64,
    /// The conversation's last seq: markers are clamped to it.
    pub head: u64,
    /// Read or delivered.
    pub mark: Mark,
    /// The part that others see.
    pub shown: Shown,
}

/// The part of a move that others see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All.
    Whole,
    /// The delivery, not the reading.
    AsArrived,
    /// Nothing.
    Nothing,
}

/// The kind of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Mark {
    /// The person has read it.
    Read,
    /// It has reached a device of the person.
    Delivered,
}
