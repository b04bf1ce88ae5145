//! Typed ids: each wraps a UUID, so that ids of different things cannot be confused.
//!
//! An id that must be unique per pair is derived (UUID v5), so that uniqueness needs no look-up: two
//! people who write to each other at once name the same stream.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl Default for $name {
            fn default() -> Self {
                Self(Uuid::nil())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id!(
    /// A person's account.
    UserId
);
id!(
    /// A signed-in device of a user.
    SessionId
);
id!(
    /// A direct or group conversation.
    ConversationId
);
id!(
    /// A message; its sender may choose it (the `guid`).
    MessageId
);
id!(
    /// The unordered pair of two users: the stream of their friendship and blocks.
    PairId
);
id!(
    /// The read marker of one user in one conversation.
    ReadMarkerId
);
id!(
    /// An invite into a group; the id is not its code.
    InviteId
);
id!(
    /// The settings of one user for one conversation.
    OwnSettingsId
);
id!(
    /// A call in a conversation.
    CallId
);
id!(
    /// A story.
    StoryId
);
id!(
    /// A comment on a story.
    CommentId
);

id!(
    /// An uploaded file.
    FileId
);
id!(
    /// A report to the moderators.
    ReportId
);

/// The namespace of derived ids. Stored streams are named by it: it never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_3c52_8a0e_4b7b_9e55_c4a7_c417_0001);

fn derived(label: &[u8], a: Uuid, b: Uuid) -> Uuid {
    let mut name = Vec::with_capacity(label.len() + 32);
    name.extend_from_slice(label);
    name.extend_from_slice(a.as_bytes());
    name.extend_from_slice(b.as_bytes());
    Uuid::new_v5(&NAMESPACE, &name)
}

fn sorted(a: UserId, b: UserId) -> (Uuid, Uuid) {
    (a.min(b).0, a.max(b).0)
}

impl PairId {
    /// The id of the pair, in either order.
    #[must_use]
    pub fn of(a: UserId, b: UserId) -> Self {
        let (low, high) = sorted(a, b);
        Self(derived(b"pair", low, high))
    }
}

impl ConversationId {
    /// The id of the one direct conversation of a pair.
    #[must_use]
    pub fn direct(a: UserId, b: UserId) -> Self {
        let (low, high) = sorted(a, b);
        Self(derived(b"direct", low, high))
    }
}

impl ReadMarkerId {
    /// The id of the marker of `user` in `conversation`.
    #[must_use]
    pub fn of(conversation: ConversationId, user: UserId) -> Self {
        Self(derived(b"read_marker", conversation.0, user.0))
    }
}

impl OwnSettingsId {
    /// The id of the settings of `user` in `conversation`.
    #[must_use]
    pub fn of(conversation: ConversationId, user: UserId) -> Self {
        Self(derived(b"own_settings", conversation.0, user.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_one_id_whichever_way_round() {
        let (a, b) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        assert_eq!(PairId::of(a, b), PairId::of(b, a));
        assert_eq!(ConversationId::direct(a, b), ConversationId::direct(b, a));
        assert_ne!(PairId::of(a, b).0, ConversationId::direct(a, b).0);
    }

    #[test]
    fn derived_ids_never_change() {
        let (a, b) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        assert_eq!(PairId::of(a, b).to_string(), "d622f0d9-94d4-5a83-86c3-99af0d6716d7");
    }
}
