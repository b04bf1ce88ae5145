//! The refusals of a session.

use crate::{Refusal, RefusalKind};

/// A refusal of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The id is in use.
    #[error("this session exists already")]
    AlreadyStarted,
    /// There is no such session of this user.
    #[error("there is no such session")]
    NotFound,
}

impl Refusal for SessionError {
    fn code(&self) -> &'static str {
        match self {
            Self::AlreadyStarted => "already_started",
            Self::NotFound => "not_found",
        }
    }
    fn kind(&self) -> RefusalKind {
        match self {
            Self::AlreadyStarted => RefusalKind::Conflict,
            Self::NotFound => RefusalKind::NotFound,
        }
    }
}
