//! What was judged of an account's conduct.

use super::Inputs;
use crate::{
    About, ConversationId, Tier, UserId,
    event::{Kind, kind},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of an account's conduct. Told to nobody: it is there for the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum ConductEvent {
    /// A message, or whatever else was said, was refused as spam.
    #[serde(rename = "conduct.judged")]
    Judged {
        /// Whose.
        user: UserId,
        /// Where it was to be posted: the conversation, else the story, else the account itself.
        conversation: ConversationId,
        /// The version of the formula.
        formula: u16,
        /// All that it was applied to.
        inputs: Inputs,
        /// What came out.
        points: u32,
    },
}

impl ConductEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Judged { .. } => kind("conduct.judged", 1, Tier::Medium),
        }
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        match self {
            Self::Judged { user, .. } => user.0,
        }
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        false
    }

    pub(crate) const fn about(&self, _stream: Uuid) -> Vec<About> {
        Vec::new()
    }
}
