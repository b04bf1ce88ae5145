//! What can be asked of a call.

use super::{CallType, EndReason};
use crate::{ConversationId, UserId};

/// A command on a call. That the actor takes part in the conversation is checked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallCommand {
    /// Rings the others of a conversation.
    Ring {
        /// Where.
        conversation: ConversationId,
        /// Who calls.
        caller: UserId,
        /// With picture or without.
        call_type: CallType,
        /// The other active members.
        invited: Vec<UserId>,
    },
    /// Joins it.
    Answer {
        /// Who asks.
        by: UserId,
    },
    /// Does not want to join it.
    Refuse {
        /// Who asks.
        by: UserId,
    },
    /// Leaves it, takes it back while it rings, or refuses it.
    Close {
        /// Who asks.
        by: UserId,
    },
    /// Nobody has answered in time.
    TimeOut,
    /// Somebody is taken out of it.
    Drop {
        /// Whom.
        user: UserId,
        /// Why.
        reason: EndReason,
    },
    /// It ends for everybody.
    End {
        /// Why.
        reason: EndReason,
    },
}
