//! The commands on a report.

use super::{Evidence, Statement, Target};
use crate::{UserId, text::RejectedReason};

/// A command on a report.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub enum ReportCommand {
    /// Files it.
    File(Complaint),
    /// The report was right, and a moderator has acted.
    Resolve { by: UserId },
    /// Rejected: nothing is to be done.
    Reject { by: UserId, reason: Option<RejectedReason> },
}

/// A report to file. The caller has checked that the reporter sees the target.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct Complaint {
    pub reporter: UserId,
    pub target: Target,
    /// The person responsible for the target.
    pub accused: UserId,
    /// The version of the target's stream at that time.
    pub version: u64,
    /// The reporter's statement.
    pub statement: Statement,
    /// The reported content.
    pub evidence: Evidence,
    /// A keyed digest of the evidence, in hexadecimal digits.
    pub digest: String,
}
