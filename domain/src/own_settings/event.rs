//! What happened to a person's own settings of a conversation.

use crate::{
    About, ConversationId, Tier, Timestamp, UserId,
    event::{Kind, kind},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of a person's own settings of a conversation, told to their own devices alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields of all variants are where and whose; the others are told with the variant")]
pub enum OwnSettingsEvent {
    /// They want to hear nothing, until that time if there is one.
    #[serde(rename = "own_settings.muted")]
    Muted {
        conversation: ConversationId,
        user: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// They want to hear again.
    #[serde(rename = "own_settings.unmuted")]
    Unmuted { conversation: ConversationId, user: UserId },
    /// They put it away, when `seq` was the last message.
    #[serde(rename = "own_settings.archived")]
    Archived { conversation: ConversationId, user: UserId, seq: u64 },
    /// They took it out again.
    #[serde(rename = "own_settings.unarchived")]
    Unarchived { conversation: ConversationId, user: UserId },
    /// They no longer see anything up to `seq`.
    #[serde(rename = "own_settings.cleared")]
    Cleared { conversation: ConversationId, user: UserId, seq: u64 },
}

impl OwnSettingsEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Muted { .. } => kind("own_settings.muted", 1, Tier::Medium),
            Self::Unmuted { .. } => kind("own_settings.unmuted", 1, Tier::Medium),
            Self::Archived { .. } => kind("own_settings.archived", 1, Tier::Medium),
            Self::Unarchived { .. } => kind("own_settings.unarchived", 1, Tier::Medium),
            Self::Cleared { .. } => kind("own_settings.cleared", 1, Tier::Medium),
        }
    }

    /// Where, and whose.
    #[must_use]
    pub const fn place(&self) -> (ConversationId, UserId) {
        match self {
            Self::Muted { conversation, user, .. }
            | Self::Unmuted { conversation, user }
            | Self::Archived { conversation, user, .. }
            | Self::Unarchived { conversation, user }
            | Self::Cleared { conversation, user, .. } => (*conversation, *user),
        }
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        self.place().0.0
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        false
    }

    pub(crate) fn about(&self, _stream: Uuid) -> Vec<About> {
        vec![About::told(self.place().1)]
    }
}
