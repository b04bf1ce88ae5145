//! What happened to a message.

use super::{MessageContent, MessageType};
use crate::{
    About, ConversationId, MessageId, Personal, Tier, UserId,
    event::{Kind, kind},
    text::{Emoji, MessageBody},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of a message; the stream's id is the message's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum MessageEvent {
    /// It was posted.
    #[serde(rename = "message.sent")]
    Sent {
        /// Where.
        conversation: ConversationId,
        /// By whom.
        sender: UserId,
        /// What it is.
        message_type: MessageType,
        /// Text and attachments.
        content: Personal<MessageContent>,
        /// The message it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
        /// Whom it mentions.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mentions: Vec<UserId>,
    },
    /// Its text was replaced.
    #[serde(rename = "message.edited")]
    Edited {
        /// Where.
        conversation: ConversationId,
        /// By whom.
        by: UserId,
        /// The text from here on.
        body: Personal<MessageBody>,
    },
    /// It was removed for everybody.
    #[serde(rename = "message.deleted")]
    Deleted {
        /// Where.
        conversation: ConversationId,
        /// By whom.
        by: UserId,
    },
    /// It was removed for one person.
    #[serde(rename = "message.hidden")]
    Hidden {
        /// Where.
        conversation: ConversationId,
        /// For whom.
        user: UserId,
    },
    /// Somebody reacted.
    #[serde(rename = "message.reacted")]
    Reacted {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// How: it belongs to them.
        emoji: Personal<Emoji>,
    },
    /// Somebody took a reaction back.
    #[serde(rename = "message.unreacted")]
    Unreacted {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// How: it belongs to them.
        emoji: Personal<Emoji>,
    },
}

impl MessageEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Sent { .. } => kind("message.sent", 1, Tier::High),
            Self::Edited { .. } => kind("message.edited", 1, Tier::Medium),
            Self::Deleted { .. } => kind("message.deleted", 1, Tier::Medium),
            Self::Hidden { .. } => kind("message.hidden", 1, Tier::Medium),
            Self::Reacted { .. } => kind("message.reacted", 2, Tier::Medium),
            Self::Unreacted { .. } => kind("message.unreacted", 2, Tier::Medium),
        }
    }

    /// The conversation it was posted to.
    #[must_use]
    pub const fn conversation(&self) -> ConversationId {
        match self {
            Self::Sent { conversation, .. }
            | Self::Edited { conversation, .. }
            | Self::Deleted { conversation, .. }
            | Self::Hidden { conversation, .. }
            | Self::Reacted { conversation, .. }
            | Self::Unreacted { conversation, .. } => *conversation,
        }
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        self.conversation().0
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        !matches!(self, Self::Hidden { .. })
    }

    pub(crate) fn about(&self, _stream: Uuid) -> Vec<About> {
        match self {
            Self::Hidden { user, .. } => vec![About::told(*user)],
            _ => Vec::new(),
        }
    }
}
