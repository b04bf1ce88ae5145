//! What can be asked of an act of administration.

use super::Act;
use crate::UserId;

/// A command on an act. That the actor is an administrator is checked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdministrationCommand {
    /// Note it.
    Note {
        /// Who acts.
        by: UserId,
        /// What they do.
        act: Act,
        /// To what: a projection, a dead letter.
        target: String,
    },
}
