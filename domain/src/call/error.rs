//! Why a call refuses a command.

use super::MAX_PARTICIPANTS;
use crate::{Refusal, RefusalKind};

/// A refusal of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There is none, or the actor may not know of it.
    #[error("there is no such call")]
    NotFound,
    /// The id names another call.
    #[error("this call has begun already")]
    AlreadyBegun,
    /// There is nobody else in the conversation.
    #[error("there is nobody else in this conversation")]
    NobodyToCall,
    /// Nobody else of the conversation is connected.
    #[error("nobody else of this conversation is online")]
    NobodyOnline,
    /// It is over.
    #[error("this call is over")]
    Ended,
    /// It has as many participants as it can have.
    #[error("a call has at most {MAX_PARTICIPANTS} participants")]
    Full,
    /// One has answered it oneself, or is who called.
    #[error("you take part in this call")]
    TakesPart,
    /// One, or whom one wants to reach, does not take part in it.
    #[error("you, or whom you want to reach, are not in this call")]
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
