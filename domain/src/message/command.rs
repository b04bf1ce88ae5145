//! What can be asked of a message.

use super::{MessageContent, MessageType};
use crate::{
    ConversationId, MessageId, UserId,
    text::{Emoji, MessageBody},
};

/// A command on a message. That the actor takes part in the conversation is checked before.
#[derive(Clone, Debug, PartialEq)]
pub enum MessageCommand {
    /// Post it.
    Send(Draft),
    /// Replace its text.
    Edit {
        /// Who asks.
        by: UserId,
        /// The new text.
        body: MessageBody,
    },
    /// Remove it for everybody.
    Delete {
        /// Who asks.
        by: UserId,
        /// Whether they lead the conversation.
        leads: bool,
    },
    /// Remove it for everybody, as somebody who watches over the server.
    Remove {
        /// Who asks. That they may is checked before.
        by: UserId,
    },
    /// Remove it for oneself alone.
    Hide {
        /// Who asks.
        user: UserId,
    },
    /// Put a reaction on it.
    React {
        /// Who asks.
        user: UserId,
        /// Which.
        emoji: Emoji,
    },
    /// Take one's reaction off it.
    Unreact {
        /// Who asks.
        user: UserId,
        /// Which.
        emoji: Emoji,
    },
}

/// A message as its sender wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where.
    pub conversation: ConversationId,
    /// Who writes.
    pub sender: UserId,
    /// What it is.
    pub message_type: MessageType,
    /// Text and attachments.
    pub content: MessageContent,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Whom it mentions.
    pub mentions: Vec<UserId>,
}
