//! What happened to a read marker.

use crate::{
    About, ConversationId, Tier, UserId,
    event::{Kind, kind},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of a read marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields of all variants are the same: where, whose, up to which seq")]
pub enum ReadMarkerEvent {
    /// Everything up to `seq` has been seen.
    #[serde(rename = "receipt.read")]
    Read { conversation: ConversationId, user: UserId, seq: u64 },
    /// The same, but only the reader's own devices are told.
    #[serde(rename = "receipt.read_privately")]
    ReadPrivately { conversation: ConversationId, user: UserId, seq: u64 },
    /// Everything up to `seq` has reached a device.
    #[serde(rename = "receipt.delivered")]
    Delivered { conversation: ConversationId, user: UserId, seq: u64 },
}

impl ReadMarkerEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Read { .. } => kind("receipt.read", 1, Tier::Medium),
            Self::ReadPrivately { .. } => kind("receipt.read_privately", 1, Tier::Medium),
            Self::Delivered { .. } => kind("receipt.delivered", 1, Tier::Medium),
        }
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        match self {
            Self::Read { conversation, .. }
            | Self::ReadPrivately { conversation, .. }
            | Self::Delivered { conversation, .. } => conversation.0,
        }
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        !matches!(self, Self::ReadPrivately { .. })
    }

    pub(crate) fn about(&self, _stream: Uuid) -> Vec<About> {
        match self {
            Self::ReadPrivately { user, .. } => vec![About::told(*user)],
            Self::Read { .. } | Self::Delivered { .. } => Vec::new(),
        }
    }
}
