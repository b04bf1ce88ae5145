//! How people come into a group by themselves.

use serde::{Deserialize, Serialize};

/// How people come into a group by themselves. Whatever it is, members add others, and invites bring people in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Joining {
    /// By an invite alone: to whoever has only its id, the group does not exist.
    #[default]
    Invite,
    /// Whoever has its id may ask; a lead decides.
    Approval,
    /// Whoever has its id may come.
    Open,
}

impl Joining {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Invite, Self::Approval, Self::Open];

    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Approval => "approval",
            Self::Open => "open",
        }
    }

    /// What `approval` alone says: all that was asked, and is stored in older events. A group that was open to all who
    /// had its id is one by invite since: an id is no key.
    #[must_use]
    pub const fn of_approval(approval: bool) -> Self {
        if approval { Self::Approval } else { Self::Invite }
    }
}
