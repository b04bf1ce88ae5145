//! Why a report refuses a command.

use crate::{Refusal, RefusalKind};

/// A refusal of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// There is none, or nothing of what is to be reported that the reporter can see.
    #[error("there is no such report")]
    NotFound,
    /// The id is in use.
    #[error("this report exists already")]
    AlreadyFiled,
    /// People do not report themselves.
    #[error("nobody reports themselves")]
    ReportsOneself,
    /// It was decided otherwise.
    #[error("this report was decided before")]
    Decided,
    /// Nobody decides about themselves, or on what they complained of.
    #[error("you are party to this: somebody else decides")]
    OwnCase,
}

impl Refusal for ReportError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyFiled => "already_filed",
            Self::ReportsOneself => "reports_oneself",
            Self::Decided => "report_decided",
            Self::OwnCase => "own_case",
        }
    }
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound => RefusalKind::NotFound,
            Self::ReportsOneself => RefusalKind::Invalid,
            Self::AlreadyFiled | Self::Decided => RefusalKind::Conflict,
            Self::OwnCase => RefusalKind::Forbidden,
        }
    }
}
