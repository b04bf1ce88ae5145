//! The refusals of an account.

use super::MAX_PROFILE_CHANGES;
use crate::{Refusal, RefusalKind};

/// A refusal of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The id is in use.
    #[error("this account exists already")]
    AlreadyRegistered,
    /// The account does not exist.
    #[error("there is no such account")]
    NotFound,
    /// The account was blocked by an administrator.
    #[error("this account is blocked")]
    Blocked,
    /// The profile has the most changes.
    #[error("a profile can be changed at most {MAX_PROFILE_CHANGES} times")]
    TooManyChanges,
    /// Its owner has deactivated the account.
    #[error("this account is deactivated")]
    Deactivated,
}

impl Refusal for UserError {
    fn code(&self) -> &'static str {
        match self {
            Self::AlreadyRegistered => "already_registered",
            Self::NotFound => "not_found",
            Self::TooManyChanges => "too_many_changes",
            Self::Blocked => "account_blocked",
            Self::Deactivated => "account_deactivated",
        }
    }
    fn kind(&self) -> RefusalKind {
        match self {
            Self::AlreadyRegistered | Self::TooManyChanges => RefusalKind::Conflict,
            Self::NotFound => RefusalKind::NotFound,
            Self::Blocked | Self::Deactivated => RefusalKind::Forbidden,
        }
    }
}
