//! The events of a person's own settings of a conversation.

use crate::{ConversationId, Recipient, Timestamp, UserId, catalogue::events};
use uuid::Uuid;

events! {
    /// An event of a person's own settings of a conversation, for their own devices only.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the fields of every variant are described with it")]
    OwnSettingsEvent of OwnSettings {
        Muted      => "own_settings.muted"      v1 Medium Named pushed_as("conversation.muted"),
        Unmuted    => "own_settings.unmuted"    v1 Medium Named pushed_as("conversation.unmuted"),
        Archived   => "own_settings.archived"   v1 Medium Named pushed_as("conversation.archived"),
        Unarchived => "own_settings.unarchived" v1 Medium Named pushed_as("conversation.unarchived"),
        Cleared    => "own_settings.cleared"    v1 Medium Named pushed_as("conversation.cleared"),
    }

    /// It was muted, until that time if there is one.
    Muted {
        conversation: ConversationId,
        user: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// It was unmuted.
    Unmuted { conversation: ConversationId, user: UserId },
    /// It was archived when `seq` was the last message.
    Archived { conversation: ConversationId, user: UserId, seq: u64 },
    /// It was taken out of the archive.
    Unarchived { conversation: ConversationId, user: UserId },
    /// The history up to `seq` was cleared.
    Cleared { conversation: ConversationId, user: UserId, seq: u64 },
}

impl OwnSettingsEvent {
    /// The conversation and the user.
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

    pub(crate) fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        vec![Recipient::only(self.place().1)]
    }
}
