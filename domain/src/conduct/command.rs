//! What can be asked of an account's conduct.

use super::Inputs;
use crate::{ConversationId, UserId};

/// Judge a message, or whatever else was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConductCommand {
    /// Whose.
    pub user: UserId,
    /// Where it was to be posted: the conversation, else the story, else the account itself.
    pub conversation: ConversationId,
    /// What is known of it.
    pub inputs: Inputs,
}
