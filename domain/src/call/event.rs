//! What happened to a call.

use super::CallType;
use crate::{
    About, ConversationId, Tier, UserId,
    event::{Kind, kind},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of a call; the stream's id is the call's. All are for everybody in the conversation, and the
/// last ones for those, too, who were taken out of it together with the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum CallEvent {
    /// Somebody calls.
    #[serde(rename = "call.ringing")]
    Ringing {
        /// Where.
        conversation: ConversationId,
        /// Who calls.
        caller: UserId,
        /// With picture or without.
        call_type: CallType,
        /// Whom it rings: the other members then.
        invited: Vec<UserId>,
    },
    /// Somebody has joined; with the first one it is under way.
    #[serde(rename = "call.answered")]
    Answered {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
    },
    /// Somebody does not want to join.
    #[serde(rename = "call.refused")]
    Refused {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// Whether it is over with that: nobody is left whom it rings.
        over: bool,
    },
    /// Nobody has answered in time: it is over.
    #[serde(rename = "call.missed")]
    Missed {
        /// Where.
        conversation: ConversationId,
    },
    /// Somebody has left, or rings no longer, and it goes on.
    #[serde(rename = "call.left")]
    Left {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// Why.
        reason: EndReason,
        /// Who hears of it although they may no longer be in the conversation: whoever was taken out of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        told: Vec<UserId>,
    },
    /// It is over.
    #[serde(rename = "call.closed")]
    Closed {
        /// Where.
        conversation: ConversationId,
        /// By whom; `None` is the system itself.
        by: Option<UserId>,
        /// Why.
        reason: EndReason,
        /// Who hears of it although they may no longer be in the conversation: whoever was taken out of it, or
        /// everybody whom the call concerned when the conversation is over.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        told: Vec<UserId>,
    },
}

/// Why a call ended, or somebody left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Who called took it back.
    Cancelled,
    /// Somebody hung up.
    HungUp,
    /// All whom it rang refused.
    Refused,
    /// Nobody answered in time.
    NoAnswer,
    /// Somebody was no longer connected.
    ConnectionLost,
    /// Somebody is no longer in the conversation.
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
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Ringing { .. } => kind("call.ringing", 1, Tier::High),
            Self::Answered { .. } => kind("call.answered", 1, Tier::High),
            Self::Refused { .. } => kind("call.refused", 1, Tier::High),
            Self::Missed { .. } => kind("call.missed", 1, Tier::High),
            Self::Left { .. } => kind("call.left", 1, Tier::High),
            Self::Closed { .. } => kind("call.closed", 1, Tier::High),
        }
    }

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

    /// Whether the call is over with it.
    #[must_use]
    pub const fn ends(&self) -> bool {
        matches!(self, Self::Refused { over: true, .. } | Self::Missed { .. } | Self::Closed { .. })
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        self.conversation().0
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        true
    }

    pub(crate) fn about(&self, _stream: Uuid) -> Vec<About> {
        match self {
            Self::Left { told, .. } | Self::Closed { told, .. } => told.iter().copied().map(About::told).collect(),
            Self::Ringing { .. } | Self::Answered { .. } | Self::Refused { .. } | Self::Missed { .. } => Vec::new(),
        }
    }
}
