//! The refusals of a reading.

use crate::{Refusal, RefusalKind};

/// A refusal of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The audit log is for administrators.
    #[error("only administrators may read the audit log")]
    AdminOnly,
    /// The id is in use.
    #[error("this reading was recorded already")]
    AlreadyRecorded,
}

impl Refusal for AuditError {
    fn code(&self) -> &'static str {
        match self {
            Self::AdminOnly => "admin_only",
            Self::AlreadyRecorded => "already_recorded",
        }
    }
    fn kind(&self) -> RefusalKind {
        match self {
            Self::AdminOnly => RefusalKind::Forbidden,
            Self::AlreadyRecorded => RefusalKind::Conflict,
        }
    }
}
