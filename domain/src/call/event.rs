//! The events of a call.

use crate::{ConversationId, Recipient, UserId, catalogue::events};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

events! {
    /// An event of a call; the stream's id is the call's. All go to everybody in the conversation, the
    /// last ones also to people removed from it together with the call.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names of the other fields say what they hold")]
    CallEvent of Call {
        Ringing  => "call.ringing"  v1 High Scope pushed,
        Answered => "call.answered" v1 High Scope pushed,
        Refused  => "call.refused"  v1 High Scope pushed,
        Missed   => "call.missed"   v1 High Scope pushed,
        Left     => "call.left"     v1 High Scope pushed,
        Closed   => "call.closed"   v1 High Scope pushed,
    }

    /// A member called.
    Ringing {
        conversation: ConversationId,
        caller: UserId,
        call_type: CallType,
        /// The other members at that time.
        invited: Vec<UserId>,
    },
    /// A member joined; the first one makes the call ongoing.
    Answered {
        conversation: ConversationId,
        user: UserId,
    },
    /// A member refused.
    Refused {
        conversation: ConversationId,
        user: UserId,
        /// True if the call ends because it rings nobody any more.
        over: bool,
    },
    /// It ended unanswered.
    Missed {
        conversation: ConversationId,
    },
    /// A person left or rings no longer, and the call goes on.
    Left {
        conversation: ConversationId,
        user: UserId,
        reason: EndReason,
        /// The removed people: recipients although they may have left the conversation.
        #[serde(rename = "told", default, skip_serializing_if = "Vec::is_empty")]
        recipients: Vec<UserId>,
    },
    /// It ended.
    Closed {
        conversation: ConversationId,
        /// `None` for the system.
        by: Option<UserId>,
        reason: EndReason,
        /// The removed people, or all involved people when the conversation was deleted: recipients although they may
        /// have left it.
        #[serde(rename = "told", default, skip_serializing_if = "Vec::is_empty")]
        recipients: Vec<UserId>,
    },
}

/// With or without pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CallType {
    /// Sound only.
    #[default]
    Voice,
    /// Sound and picture.
    Video,
}

impl CallType {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "VOICE",
            Self::Video => "VIDEO",
        }
    }
}

/// The reason of a call's end, or of a departure from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The caller cancelled it.
    Cancelled,
    /// A participant hung up.
    HungUp,
    /// All invited people refused.
    Refused,
    /// Not answered in time.
    NoAnswer,
    /// A participant lost the connection.
    ConnectionLost,
    /// A participant left the conversation.
    Removed,
}

impl EndReason {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::HungUp => "hung_up",
            Self::Refused => "refused",
            Self::NoAnswer => "no_answer",
            Self::ConnectionLost => "connection_lost",
            Self::Removed => "removed",
        }
    }
}

impl CallEvent {
    /// The conversation it is in.
    #[must_use]
    pub const fn conversation(&self) -> ConversationId {
        match self {
            Self::Ringing { conversation, .. }
            | Self::Answered { conversation, .. }
            | Self::Refused { conversation, .. }
            | Self::Missed { conversation }
            | Self::Left { conversation, .. }
            | Self::Closed { conversation, .. } => *conversation,
        }
    }

    /// True if it ends the call.
    #[must_use]
    pub const fn ends(&self) -> bool {
        matches!(self, Self::Refused { over: true, .. } | Self::Missed { .. } | Self::Closed { .. })
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        self.conversation().0
    }

    pub(crate) fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        match self {
            Self::Left { recipients, .. } | Self::Closed { recipients, .. } => {
                recipients.iter().copied().map(Recipient::only).collect()
            }
            Self::Ringing { .. } | Self::Answered { .. } | Self::Refused { .. } | Self::Missed { .. } => Vec::new(),
        }
    }
}
