//! Types of conversations, and their members.

use serde::{Deserialize, Serialize};

/// Direct or group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConversationType {
    /// Of two people; it exists once per pair.
    Direct,
    /// Of any number of people.
    #[default]
    Group,
}

impl ConversationType {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Group => "group",
        }
    }
}

/// The role of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// Runs the group.
    Lead,
    /// Takes part.
    Member,
}

/// The status of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// A full member.
    Active,
    /// Requested to join; a lead decides.
    Pending,
    /// Invited by a member, without an answer; sees no messages.
    Invited,
}

/// A member of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Their role.
    pub role: MemberRole,
    /// Their status.
    pub status: MemberStatus,
    /// The order of arrival: the first member inherits the lead.
    pub(super) order: u64,
}
