//! The state of a report and the decisions over it.

use super::{Complaint, Evidence, ReportCommand, ReportError, ReportEvent, Statement, Target};
use crate::{Aggregate, AggregateType, Personal, UserId, handle_by_deciding, text::RejectedReason};
use serde::{Deserialize, Serialize};

/// The status of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReportStatus {
    /// Pending: no moderator has decided.
    #[default]
    Pending,
    /// The report was right, and a moderator has acted.
    Resolved,
    /// Rejected: nothing is to be done.
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
    rejected_reason: Option<RejectedReason>,
}

/// A filed report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct Filed {
    pub reporter: UserId,
    pub target: Target,
    /// The person responsible for the target.
    pub accused: UserId,
    /// The reporter's statement; `None` once they are erased.
    pub statement: Option<Statement>,
    /// The reported content; `None` once the accused is erased.
    pub evidence: Option<Evidence>,
    /// A keyed digest of the evidence, in hexadecimal digits.
    pub digest: String,
}

impl Report {
    /// The report; `None` for a stream without events.
    #[must_use]
    pub const fn filed(&self) -> Option<&Filed> {
        self.filed.as_ref()
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> ReportStatus {
        self.status
    }

    /// True if no moderator has decided.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.filed.is_some() && self.status == ReportStatus::Pending
    }

    /// The reason of the rejection, if one was given.
    #[must_use]
    pub const fn rejected_reason(&self) -> Option<&RejectedReason> {
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

    /// The reporter if the decision is open; `None` after the same decision.
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
                if open.is_none() && reason != self.rejected_reason {
                    return Err(ReportError::Decided);
                }
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
