//! The refusals of a person's own settings.

use super::MAX_CHANGES;
use crate::{Refusal, RefusalKind};

/// A refusal of a person's own settings. A setting that has its value already is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnSettingsError {
    /// They have the most changes.
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
