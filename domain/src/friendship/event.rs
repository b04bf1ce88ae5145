//! What happened between two people.

use crate::{
    About, Tier, Timestamp, UserId,
    event::{Kind, kind},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of a pair: in each, `by` acted concerning `with`; `at` is when, where a later decision asks for it (older
/// events do not say).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields of every variant are described above")]
pub enum FriendshipEvent {
    /// `by` asked to be friends.
    #[serde(rename = "friend.requested")]
    Requested {
        by: UserId,
        with: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// `by` accepted the request of `with`.
    #[serde(rename = "friend.accepted")]
    Accepted { by: UserId, with: UserId },
    /// `by` turned the request of `with` down.
    #[serde(rename = "friend.rejected")]
    Rejected {
        by: UserId,
        with: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// `by` took the own request back.
    #[serde(rename = "friend.cancelled")]
    Cancelled { by: UserId, with: UserId },
    /// `by` blocked `with`; friendship and requests are over.
    #[serde(rename = "friend.blocked")]
    Blocked { by: UserId, with: UserId },
    /// `by` lifted the own block.
    #[serde(rename = "friend.unblocked")]
    Unblocked {
        by: UserId,
        with: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// `by` ended the friendship.
    #[serde(rename = "friend.unfriended")]
    Unfriended { by: UserId, with: UserId },
}

impl FriendshipEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Requested { .. } => kind("friend.requested", 1, Tier::Medium),
            Self::Accepted { .. } => kind("friend.accepted", 1, Tier::High),
            Self::Rejected { .. } => kind("friend.rejected", 1, Tier::Medium),
            Self::Cancelled { .. } => kind("friend.cancelled", 1, Tier::Medium),
            Self::Blocked { .. } => kind("friend.blocked", 1, Tier::High),
            Self::Unblocked { .. } => kind("friend.unblocked", 1, Tier::High),
            Self::Unfriended { .. } => kind("friend.unfriended", 1, Tier::High),
        }
    }

    /// Who acted, and concerning whom.
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

    pub(crate) const fn is_scope_wide(&self) -> bool {
        false
    }

    /// Both, but a block and its end are told to the blocker alone.
    pub(crate) fn about(&self, _stream: Uuid) -> Vec<About> {
        let (by, with) = self.pair();
        match self {
            Self::Blocked { .. } | Self::Unblocked { .. } => vec![About::told(by)],
            _ => vec![About::told(by), About::told(with)],
        }
    }
}
