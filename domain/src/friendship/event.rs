//! The events between two people.

use crate::{Recipient, Timestamp, UserId, catalogue::events};
use uuid::Uuid;

events! {
    /// An event of a pair: `by` acted concerning `with`; `at` is the time, where a later decision needs it (absent in
    /// older events).
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the fields of every variant are described above")]
    FriendshipEvent of Friendship {
        Requested  => "friend.requested"  v1 Medium Named pushed,
        Accepted   => "friend.accepted"   v1 High   Named pushed,
        Rejected   => "friend.rejected"   v1 Medium Named pushed,
        Cancelled  => "friend.cancelled"  v1 Medium Named pushed,
        Blocked    => "friend.blocked"    v1 High   Named pushed,
        Unblocked  => "friend.unblocked"  v1 High   Named pushed,
        Unfriended => "friend.unfriended" v1 High   Named pushed,
    }

    /// `by` requested friendship.
    Requested {
        by: UserId,
        with: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// `by` accepted the request of `with`.
    Accepted { by: UserId, with: UserId },
    /// `by` rejected the request of `with`.
    Rejected {
        by: UserId,
        with: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// `by` withdrew the own request.
    Cancelled { by: UserId, with: UserId },
    /// `by` blocked `with`, which ends friendship and requests.
    Blocked { by: UserId, with: UserId },
    /// `by` lifted the own block.
    Unblocked {
        by: UserId,
        with: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// `by` ended the friendship.
    Unfriended { by: UserId, with: UserId },
}

impl FriendshipEvent {
    /// The actor and the other.
    #[must_use]
    pub const fn pair(&self) -> (UserId, UserId) {
        match self {
            Self::Requested { by, with, .. }
            | Self::Accepted { by, with }
            | Self::Rejected { by, with, .. }
            | Self::Cancelled { by, with }
            | Self::Blocked { by, with }
            | Self::Unblocked { by, with, .. }
            | Self::Unfriended { by, with } => (*by, *with),
        }
    }

    pub(crate) const fn scope(&self, stream: Uuid) -> Uuid {
        stream
    }

    /// Both people; only the blocker for a block and its end.
    pub(crate) fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        let (by, with) = self.pair();
        match self {
            Self::Blocked { .. } | Self::Unblocked { .. } => vec![Recipient::only(by)],
            Self::Requested { .. }
            | Self::Accepted { .. }
            | Self::Rejected { .. }
            | Self::Cancelled { .. }
            | Self::Unfriended { .. } => vec![Recipient::only(by), Recipient::only(with)],
        }
    }
}
