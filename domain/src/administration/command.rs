//! The commands on an act of administration.

use super::Act;
use crate::UserId;

/// A command on an act. The caller has checked that the actor is an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub enum AdministrationCommand {
    /// Records it.
    Note {
        by: UserId,
        act: Act,
        /// A projection, a dead letter.
        target: String,
    },
}
