//! Kinds of conversation, and who is in one.

use serde::{Deserialize, Serialize};

/// Direct or group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConversationType {
    /// Of exactly two people; it exists once per pair.
    Direct,
    /// Of any number.
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

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// Runs the group.
    Lead,
    /// Takes part.
    Member,
}

/// Whether a member is in, or has asked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// In.
    Active,
    /// Waits for a lead's approval.
    Pending,
}

/// Somebody in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// What they may do.
    pub role: MemberRole,
    /// Whether they are in.
    pub status: MemberStatus,
    /// The order in which members came: who came first inherits the lead.
    pub(super) order: u64,
}
