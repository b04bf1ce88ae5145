//! The commands on a conversation.

use super::{ConversationType, Joining, NewInvite};
use crate::{
    Timestamp, UserId,
    id::InviteId,
    text::{Link, Title},
};
use serde::Serialize;
use std::collections::BTreeSet;

/// A command on a conversation.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub enum ConversationCommand {
    /// Opens it. The caller has checked that the members exist and may be approached.
    Create {
        conversation_type: ConversationType,
        /// The creator: the first lead of a group.
        by: UserId,
        /// The other members.
        members: Vec<UserId>,
        /// People to invite into a group, because they let only friends add them.
        invited: Vec<UserId>,
        title: Option<Title>,
        avatar_url: Option<Link>,
        /// The joining rule of a group.
        joining: Joining,
        now: Timestamp,
    },
    /// Changes a group's settings; `None` keeps.
    Update { by: UserId, change: SettingsChange, now: Timestamp },
    /// Deletes a group for everybody.
    Delete {
        /// `None` for the system.
        by: Option<UserId>,
        /// Pending people who are no recipients, as a block with a lead hides the group from them.
        hidden: BTreeSet<UserId>,
    },
    /// Deletes a conversation of either type, as an administrator.
    Remove {
        /// The caller has checked their role.
        by: UserId,
        /// As for [`Delete`](Self::Delete).
        hidden: BTreeSet<UserId>,
    },
    /// Joins, or requests to; invited people join. The caller has checked that no block with a lead exists.
    Join { user: UserId, now: Timestamp },
    /// Leaves, withdraws a request to join, or declines an invitation.
    Leave {
        user: UserId,
        /// Members who cannot act, as far as [`succession`](super::Conversation::succession) asks for them.
        idle: BTreeSet<UserId>,
    },
    /// Adds a member, or invites a person who lets only friends add them.
    Add {
        by: UserId,
        user: UserId,
        /// The relations of `user`.
        known_as: Newcomer,
        now: Timestamp,
    },
    /// Removes a member, or withdraws an invitation.
    Kick { by: UserId, user: UserId },
    /// Makes a member a lead.
    Promote { by: UserId, user: UserId, now: Timestamp },
    /// Makes a member a lead, as an administrator.
    Appoint {
        /// The caller has checked their role.
        by: UserId,
        user: UserId,
        now: Timestamp,
    },
    /// Makes a lead a plain member.
    Demote {
        by: UserId,
        user: UserId,
        /// As for [`Leave`](Self::Leave).
        idle: BTreeSet<UserId>,
    },
    /// Promotes a member who can act, if no lead can.
    Settle {
        /// As for [`Leave`](Self::Leave).
        idle: BTreeSet<UserId>,
    },
    /// Accepts a request to join.
    Approve { by: UserId, user: UserId },
    /// Rejects a request to join.
    Reject { by: UserId, user: UserId },
    /// Creates an invite.
    CreateInvite { by: UserId, invite: NewInvite, now: Timestamp },
    /// Revokes an invite.
    RevokeInvite { by: UserId, invite: InviteId },
    /// Joins by an invite, or requests to. The caller has checked that no block with its maker exists.
    AcceptInvite {
        user: UserId,
        /// Its id.
        invite: InviteId,
        now: Timestamp,
    },
}

/// The relations of a person to add with the members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newcomer {
    /// They are a friend of the member who adds them.
    pub is_friend: bool,
    /// A lead has blocked them.
    pub is_shunned: bool,
    /// They let only friends add them, and are no friend: they are invited.
    pub is_unreachable: bool,
}

/// The wanted changes of a group: `None` keeps, `Some(None)` removes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SettingsChange {
    /// A new or removed title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Option<Title>>,
    /// A new or removed picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Option<Link>>,
    /// The older form of `joining`, which takes precedence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<bool>,
    /// The joining rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joining: Option<Joining>,
}
