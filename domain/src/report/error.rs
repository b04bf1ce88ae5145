//! The refusals of a report.

use crate::{Refusal, RefusalKind};

/// A refusal of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The report does not exist, or the reporter does not see the target.
    #[error("there is no such report")]
    NotFound,
    /// The id is in use.
    #[error("this report exists already")]
    AlreadyFiled,
    /// People do not report themselves.
    #[error("nobody reports themselves")]
    ReportsOneself,
    /// It was decided differently.
    #[error("this report was decided before")]
    Decided,
    /// The moderator is the accused or a reporter of the target.
    #[error("you are involved in this case: somebody else must decide")]
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
