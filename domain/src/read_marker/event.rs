//! The events of a read marker.

use crate::{ConversationId, Recipient, UserId, catalogue::events};
use uuid::Uuid;

events! {
    /// An event of a read marker.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the fields of all variants are the same: where, whose, up to which seq")]
    ReadMarkerEvent of ReadMarker {
        Read          => "receipt.read"           v1 Medium Scope pushed,
        ReadPrivately => "receipt.read_privately" v1 Medium Named pushed_as("receipt.read"),
        Delivered     => "receipt.delivered"      v1 Medium Scope pushed,
    }

    /// Everything up to `seq` has been read.
    Read { conversation: ConversationId, user: UserId, seq: u64 },
    /// The same, for the reader's own devices only.
    ReadPrivately { conversation: ConversationId, user: UserId, seq: u64 },
    /// Everything up to `seq` has reached a device.
    Delivered { conversation: ConversationId, user: UserId, seq: u64 },
}

impl ReadMarkerEvent {
    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        match self {
            Self::Read { conversation, .. }
            | Self::ReadPrivately { conversation, .. }
            | Self::Delivered { conversation, .. } => conversation.0,
        }
    }

    pub(crate) fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        match self {
            Self::ReadPrivately { user, .. } => vec![Recipient::only(*user)],
            Self::Read { .. } | Self::Delivered { .. } => Vec::new(),
        }
    }
}
