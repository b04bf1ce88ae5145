//! The refusals of a call.

use super::MAX_PARTICIPANTS;
use crate::{Refusal, RefusalKind};

/// A refusal of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It does not exist, or is hidden from the actor.
    #[error("there is no such call")]
    NotFound,
    /// The id names another call.
    #[error("this call has begun already")]
    AlreadyBegun,
    /// The conversation has no other member.
    #[error("there is nobody else in this conversation")]
    NobodyToCall,
    /// No other member of the conversation is online.
    #[error("nobody else of this conversation is online")]
    NobodyOnline,
    /// It ended.
    #[error("this call is over")]
    Ended,
    /// It has the most participants.
    #[error("a call has at most {MAX_PARTICIPANTS} participants")]
    Full,
    /// The actor takes part already.
    #[error("you take part in this call")]
    TakesPart,
    /// The actor, or the person to reach, does not take part.
    #[error("you or the person you want to reach are not in this call")]
    NotInCall,
}

impl Refusal for CallError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyBegun => "already_begun",
            Self::NobodyToCall => "nobody_to_call",
            Self::NobodyOnline => "user_not_online",
            Self::Ended => "call_ended",
            Self::Full => "call_full",
            Self::TakesPart => "in_call",
            Self::NotInCall => "not_in_call",
        }
    }
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound => RefusalKind::NotFound,
            Self::NotInCall => RefusalKind::Forbidden,
            Self::AlreadyBegun
            | Self::NobodyToCall
            | Self::NobodyOnline
            | Self::Ended
            | Self::Full
            | Self::TakesPart => RefusalKind::Conflict,
        }
    }
}
