//! What a person can ask of their own settings of a conversation.

use crate::{ConversationId, Timestamp, UserId};
use serde::Serialize;

/// A command on the settings of `user` in `conversation`. That the user is a member is checked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnSettingsCommand {
    /// Where.
    pub conversation: ConversationId,
    /// Whose.
    pub user: UserId,
    /// The conversation's last seq. Muting does not ask for it.
    pub head: u64,
    /// What is asked.
    pub act: OwnSettingsAct,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum OwnSettingsAct {
    /// To hear nothing.
    Mute {
        /// Until when; `None` is until they say otherwise.
        until: Option<Timestamp>,
    },
    /// To hear again.
    Unmute,
    /// To put it away.
    Archive,
    /// To take it out again.
    Unarchive,
    /// To see nothing any more of what was said so far.
    Clear,
}
