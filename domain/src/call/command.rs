//! The commands on a call.

use super::{CallType, EndReason};
use crate::{ConversationId, UserId};

/// A command on a call. The caller has checked that the actor takes part in the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub enum CallCommand {
    /// Rings the other members of a conversation.
    Ring {
        conversation: ConversationId,
        caller: UserId,
        call_type: CallType,
        /// The other active members.
        invited: Vec<UserId>,
    },
    /// Joins the call.
    Answer { by: UserId },
    /// Refuses the call.
    Refuse { by: UserId },
    /// Leaves the call, cancels it while it rings, or refuses it.
    Close { by: UserId },
    /// Ends a call that was not answered in time.
    TimeOut,
    /// Removes a person.
    Drop { user: UserId, reason: EndReason },
    /// Ends the call for everybody.
    End { reason: EndReason },
}
