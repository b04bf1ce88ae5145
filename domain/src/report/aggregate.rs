//! The state of a report and the decisions over it.

use super::{Complaint, Evidence, ReportCommand, ReportError, ReportEvent, Statement, Target};
use crate::{Aggregate, AggregateType, Personal, UserId, handle_by_deciding, text::Notes};
use serde::{Deserialize, Serialize};

/// How far a report got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReportStatus {
    /// It waits for a moderator.
    #[default]
    Pending,
    /// It was right; whatever had to be done is done.
    Resolved,
    /// Nothing is to be done.
    Rejected,
}

impl ReportStatus {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Resolved => "RESOLVED",
            Self::Rejected => "REJECTED",
        }
    }
}

/// The state of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    filed: Option<Filed>,
    status: ReportStatus,
    rejected_reason: Option<Notes>,
}

/// A report as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// By whom.
    pub reporter: UserId,
    /// What is reported.
    pub target: Target,
    /// Whose doing it is.
    pub accused: UserId,
    /// What the reporter says; `None` once forgotten.
    pub statement: Option<Statement>,
    /// What there was to be seen; `None` once forgotten.
    pub evidence: Option<Evidence>,
    /// A keyed digest of the evidence, in hexadecimal digits.
    pub digest: String,
}

impl Report {
    /// What was reported; `None` for a stream without events.
    #[must_use]
    pub const fn filed(&self) -> Option<&Filed> {
        self.filed.as_ref()
    }

    /// How far it got.
    #[must_use]
    pub const fn status(&self) -> ReportStatus {
        self.status
    }

    /// Whether it waits for a moderator.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.filed.is_some() && self.status == ReportStatus::Pending
    }

    /// Why it was rejected, if somebody said so.
    #[must_use]
    pub const fn rejected_reason(&self) -> Option<&Notes> {
        self.rejected_reason.as_ref()
    }

    fn file(&self, complaint: Complaint) -> Result<Vec<ReportEvent>, ReportError> {
        let Complaint { reporter, target, accused, version, statement, evidence, digest } = complaint;
        if self.filed.is_some() {
            return Err(ReportError::AlreadyFiled);
        }
        if reporter == accused {
            return Err(ReportError::ReportsOneself);
        }
        let (statement, evidence) = (Personal::new(reporter, statement), Personal::new(accused, evidence));
        Ok(vec![ReportEvent::Filed { reporter, target, accused, version, statement, evidence, digest }])
    }

    /// Whether `by` still has to decide; that it was decided so already is fine.
    fn open_to(&self, by: UserId, verdict: ReportStatus) -> Result<Option<UserId>, ReportError> {
        let filed = self.filed.as_ref().ok_or(ReportError::NotFound)?;
        match self.status {
            _ if filed.accused == by || filed.reporter == by => Err(ReportError::OwnCase),
            ReportStatus::Pending => Ok(Some(filed.reporter)),
            status if status == verdict => Ok(None),
            _ => Err(ReportError::Decided),
        }
    }
}

impl Aggregate for Report {
    const AGGREGATE: AggregateType = AggregateType::Report;

    fn decide(&self, command: ReportCommand) -> Result<Vec<ReportEvent>, ReportError> {
        match command {
            ReportCommand::File(complaint) => self.file(complaint),
            ReportCommand::Resolve { by } => {
                let open = self.open_to(by, ReportStatus::Resolved)?;
                Ok(open.map(|reporter| ReportEvent::Resolved { reporter, by }).into_iter().collect())
            }
            ReportCommand::Reject { by, reason } => {
                let open = self.open_to(by, ReportStatus::Rejected)?;
                let reason = reason.map(|reason| Personal::new(by, reason));
                Ok(open.map(|reporter| ReportEvent::Rejected { reporter, by, reason }).into_iter().collect())
            }
        }
    }
}

impl cqrs_es::Aggregate for Report {
    const TYPE: &'static str = AggregateType::Report.as_str();
    type Command = ReportCommand;
    type Event = ReportEvent;
    type Error = ReportError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: ReportEvent) {
        match event {
            ReportEvent::Filed { reporter, target, accused, statement, evidence, digest, .. } => {
                let (statement, evidence) = (statement.get().cloned(), evidence.get().cloned());
                self.filed = Some(Filed { reporter, target, accused, statement, evidence, digest });
            }
            ReportEvent::Resolved { .. } => self.status = ReportStatus::Resolved,
            ReportEvent::Rejected { reason, .. } => {
                self.status = ReportStatus::Rejected;
                self.rejected_reason = reason.and_then(|reason| reason.get().cloned());
            }
        }
    }
}
