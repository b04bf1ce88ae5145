//! The commands on a message.

use super::{MessageContent, MessageType};
use crate::{
    ConversationId, MessageId, UserId,
    text::{Emoji, MessageBody},
};

/// A command on a message. The caller has checked that the actor takes part in the conversation.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub enum MessageCommand {
    /// Sends it.
    Send(Draft),
    /// Replaces its text.
    Edit {
        by: UserId,
        /// The new text.
        body: MessageBody,
    },
    /// Deletes it for everybody.
    Delete {
        by: UserId,
        /// True if they lead the conversation.
        leads: bool,
    },
    /// Deletes it for everybody, as a moderator or administrator.
    Remove {
        /// The caller has checked their role.
        by: UserId,
    },
    /// Hides it for the user.
    Hide { user: UserId },
    /// Adds a reaction.
    React { user: UserId, emoji: Emoji },
    /// Removes the user's reaction.
    Unreact { user: UserId, emoji: Emoji },
    /// Pins it in its conversation.
    Pin {
        /// The caller has checked that they may.
        by: UserId,
        /// The other pinned messages of the conversation, as far as the caller knows.
        pinned: u64,
    },
    /// Unpins it.
    Unpin {
        /// As for [`Pin`](Self::Pin).
        by: UserId,
    },
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct Draft {
    pub conversation: ConversationId,
    pub sender: UserId,
    pub message_type: MessageType,
    pub content: MessageContent,
    /// The answered message.
    pub reply_to: Option<MessageId>,
    /// The mentioned members.
    pub mentions: Vec<UserId>,
}
