//! Why a person's own settings refuse a command.

use super::MAX_CHANGES;
use crate::{Refusal, RefusalKind};

/// A refusal of a person's own settings: what is so already stays so, and is no fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnSettingsError {
    /// They were changed as often as they can be.
    #[error("the settings of a conversation can be changed at most {MAX_CHANGES} times")]
    TooManyChanges,
}

impl Refusal for OwnSettingsError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooManyChanges => "too_many_changes",
        }
    }
    fn kind(&self) -> RefusalKind {
        match self {
            Self::TooManyChanges => RefusalKind::Conflict,
        }
    }
}
