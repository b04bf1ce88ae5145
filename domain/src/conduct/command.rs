//! What can be asked of an account's conduct.

use super::Inputs;
use crate::{ConversationId, UserId};

/// Judge a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConductCommand {
    /// Whose.
    pub user: UserId,
    /// Where it was to be posted.
    pub conversation: ConversationId,
    /// What is known of it.
    pub inputs: Inputs,
}
