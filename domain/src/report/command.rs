//! What can be asked of a report.

use super::{Evidence, Statement, Target};
use crate::{UserId, text::Notes};

/// A command on a report.
#[derive(Clone, Debug, PartialEq)]
pub enum ReportCommand {
    /// Make it.
    File(Complaint),
    /// It was right; whatever had to be done is done.
    Resolve {
        /// Which moderator says so.
        by: UserId,
    },
    /// Nothing is to be done.
    Reject {
        /// Which moderator says so.
        by: UserId,
        /// Why, in their words.
        reason: Option<Notes>,
    },
}

/// A report as it is made. That the reporter can see what they report is checked before.
#[derive(Clone, Debug, PartialEq)]
pub struct Complaint {
    /// Who reports.
    pub reporter: UserId,
    /// What is reported.
    pub target: Target,
    /// Whose doing it is.
    pub accused: UserId,
    /// The version of the target's stream that the evidence was taken from.
    pub version: u64,
    /// What the reporter says.
    pub statement: Statement,
    /// What there was to be seen.
    pub evidence: Evidence,
    /// A keyed digest of the evidence, in hexadecimal digits.
    pub digest: String,
}
