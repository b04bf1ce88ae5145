//! The refusals of a file.

use crate::{Refusal, RefusalKind};

/// A refusal of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The id is in use.
    #[error("this file exists already")]
    AlreadyUploaded,
    /// The file does not exist, or is hidden from the actor.
    #[error("there is no such file")]
    NotFound,
}

impl Refusal for FileError {
    fn code(&self) -> &'static str {
        match self {
            Self::AlreadyUploaded => "already_uploaded",
            Self::NotFound => "not_found",
        }
    }
    fn kind(&self) -> RefusalKind {
        match self {
            Self::AlreadyUploaded => RefusalKind::Conflict,
            Self::NotFound => RefusalKind::NotFound,
        }
    }
}
