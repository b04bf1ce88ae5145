//! The events of a message.

use super::{MessageContent, MessageType, upcast::seal_emoji};
use crate::{
    ConversationId, MessageId, Personal, Recipient, UserId,
    catalogue::events,
    text::{Emoji, MessageBody},
};
use uuid::Uuid;

events! {
    /// An event of a message; the stream's id is the message's.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names of the other fields say what they hold")]
    MessageEvent of Message {
        Sent      => "message.sent"      v1 High   Scope pushed counts,
        Edited    => "message.edited"    v1 Medium Scope pushed,
        Deleted   => "message.deleted"   v1 Medium Scope pushed,
        Hidden    => "message.hidden"    v1 Medium Named pushed,
        Reacted   => "message.reacted"   v2 Medium Scope pushed upcast(&[seal_emoji]),
        Unreacted => "message.unreacted" v2 Medium Scope pushed upcast(&[seal_emoji]),
        Pinned    => "message.pinned"    v1 Medium Scope pushed,
        Unpinned  => "message.unpinned"  v1 Medium Scope pushed,
    }

    /// It was sent.
    Sent {
        conversation: ConversationId,
        sender: UserId,
        message_type: MessageType,
        content: Personal<MessageContent>,
        /// The answered message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
        /// The mentioned members.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mentions: Vec<UserId>,
    },
    /// Its text was replaced.
    Edited {
        conversation: ConversationId,
        by: UserId,
        /// The new text.
        body: Personal<MessageBody>,
    },
    /// It was deleted for everybody.
    Deleted {
        conversation: ConversationId,
        by: UserId,
    },
    /// One person hid it.
    Hidden {
        conversation: ConversationId,
        user: UserId,
    },
    /// A member added a reaction.
    Reacted {
        conversation: ConversationId,
        user: UserId,
        /// A personal value of `user`.
        emoji: Personal<Emoji>,
    },
    /// A member removed a reaction.
    Unreacted {
        conversation: ConversationId,
        user: UserId,
        /// A personal value of `user`.
        emoji: Personal<Emoji>,
    },
    /// It was pinned in its conversation.
    Pinned {
        conversation: ConversationId,
        by: UserId,
    },
    /// It was unpinned. A deleted message is unpinned without this event.
    Unpinned {
        conversation: ConversationId,
        by: UserId,
    },
}

impl MessageEvent {
    /// The conversation of the message.
    #[must_use]
    pub const fn conversation(&self) -> ConversationId {
        match self {
            Self::Sent { conversation, .. }
            | Self::Edited { conversation, .. }
            | Self::Deleted { conversation, .. }
            | Self::Hidden { conversation, .. }
            | Self::Reacted { conversation, .. }
            | Self::Unreacted { conversation, .. }
            | Self::Pinned { conversation, .. }
            | Self::Unpinned { conversation, .. } => *conversation,
        }
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        self.conversation().0
    }

    pub(crate) fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        match self {
            Self::Hidden { user, .. } => vec![Recipient::only(*user)],
            Self::Sent { .. }
            | Self::Edited { .. }
            | Self::Deleted { .. }
            | Self::Reacted { .. }
            | Self::Unreacted { .. }
            | Self::Pinned { .. }
            | Self::Unpinned { .. } => Vec::new(),
        }
    }
}
