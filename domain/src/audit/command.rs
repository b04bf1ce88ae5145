//! The commands on a reading.

use super::Question;
use crate::{UserId, user::Role};
use std::collections::BTreeMap;

/// Records that `by` reads the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct ReadAudit {
    pub by: UserId,
    pub role: Role,
    pub what: Question,
    /// The parameters, as they were understood.
    pub filters: BTreeMap<String, String>,
}
