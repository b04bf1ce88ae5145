//! The commands on a person's own settings of a conversation.

use crate::{ConversationId, Timestamp, UserId};
use serde::Serialize;

/// A command on the settings of `user` in `conversation`. The caller has checked that the user is a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct OwnSettingsCommand {
    pub conversation: ConversationId,
    pub user: UserId,
    /// The conversation's last seq; muting does not need it.
    pub head: u64,
    pub act: OwnSettingsAct,
}

/// An act of one person concerning another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum OwnSettingsAct {
    /// Mutes the conversation.
    Mute {
        /// `None`: until it is unmuted.
        until: Option<Timestamp>,
    },
    /// Unmutes it.
    Unmute,
    /// Archives it.
    Archive,
    /// Takes it out of the archive.
    Unarchive,
    /// Clears its history so far.
    Clear,
}
