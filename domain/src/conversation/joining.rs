//! The joining rule of a group.

use serde::{Deserialize, Serialize};

/// The joining rule of a group. Under every rule members add people, and invites admit people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Joining {
    /// By invite only: the id alone does not reveal the group.
    #[default]
    Invite,
    /// A person with its id may request to join; a lead decides.
    Approval,
    /// A person with its id may join.
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

    /// The rule of `approval`, all that older events have. A group that used to be open by its id is now
    /// invite-only: an id is no secret.
    #[must_use]
    pub const fn of_approval(approval: bool) -> Self {
        if approval { Self::Approval } else { Self::Invite }
    }
}
