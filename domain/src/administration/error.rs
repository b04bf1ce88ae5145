//! The refusals of an act of administration.

use crate::{Refusal, RefusalKind};

/// A refusal of an act of administration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdministrationError {
    /// The id is in use.
    #[error("this act was noted already")]
    AlreadyNoted,
}

impl Refusal for AdministrationError {
    fn code(&self) -> &'static str {
        "already_noted"
    }
    fn kind(&self) -> RefusalKind {
        RefusalKind::Conflict
    }
}
