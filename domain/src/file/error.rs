//! Why a file refuses a command.

use crate::{Refusal, RefusalKind};

/// A refusal of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The id is in use.
    #[error("this file exists already")]
    AlreadyUploaded,
    /// There is no such file, or not for whoever asks.
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
