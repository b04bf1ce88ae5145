//! The commands on an account's conduct.

use super::Inputs;
use crate::{ConversationId, UserId};

/// Judges a message or another text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct ConductCommand {
    pub user: UserId,
    /// The target of the text: the conversation, else the story, else the account itself.
    pub conversation: ConversationId,
    /// The basis of the verdict.
    pub inputs: Inputs,
}
