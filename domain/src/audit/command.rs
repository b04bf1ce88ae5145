//! What can be asked of a reading.

use super::Question;
use crate::{UserId, user::Role};
use std::collections::BTreeMap;

/// Record that `by` reads the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadAudit {
    /// Who.
    pub by: UserId,
    /// Their role.
    pub role: Role,
    /// What they ask.
    pub what: Question,
    /// Of what.
    pub filters: BTreeMap<String, String>,
}
