//! The verdicts on an account's conduct.

use super::Inputs;
use crate::{ConversationId, Recipient, UserId, catalogue::events};
use uuid::Uuid;

events! {
    /// An event of an account's conduct, for the audit only.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names of the other fields say what they hold")]
    ConductEvent of Conduct {
        Judged => "conduct.judged" v1 Medium Named,
    }

    /// A message or another text was refused as spam.
    Judged {
        user: UserId,
        /// The target of the text: the conversation, else the story, else the account itself.
        conversation: ConversationId,
        /// The version of the formula.
        formula: u16,
        /// The basis of the verdict.
        inputs: Inputs,
        /// The score.
        points: u32,
    },
}

impl ConductEvent {
    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        match self {
            Self::Judged { user, .. } => user.0,
        }
    }

    pub(crate) const fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        Vec::new()
    }
}
