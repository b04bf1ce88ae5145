//! What can be asked of a conversation.

use super::{ConversationType, NewInvite};
use crate::{
    Timestamp, UserId,
    id::InviteId,
    text::{Link, Title},
};
use serde::Serialize;

/// A command on a conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum ConversationCommand {
    /// Open it. That the members exist and may be approached is checked before.
    Create {
        /// Direct or group.
        conversation_type: ConversationType,
        /// Who opens it: the first lead of a group.
        by: UserId,
        /// The others.
        members: Vec<UserId>,
        /// A group's title.
        title: Option<Title>,
        /// A group's picture.
        avatar_url: Option<Link>,
        /// Whether joining a group needs a lead's approval.
        approval: bool,
    },
    /// Change a group's settings; what is `None` stays.
    Update {
        /// Who asks.
        by: UserId,
        /// What changes.
        change: SettingsChange,
    },
    /// End a group for everybody.
    Delete {
        /// Who asks; `None` is the system itself.
        by: Option<UserId>,
    },
    /// End it for everybody, whatever its type, as somebody who watches over the server.
    Remove {
        /// Who asks. That they may is checked before.
        by: UserId,
    },
    /// Become a member, or ask to.
    Join {
        /// Who.
        user: UserId,
    },
    /// Stop being a member, or take back having asked.
    Leave {
        /// Who.
        user: UserId,
    },
    /// Make somebody a member.
    Add {
        /// Who asks.
        by: UserId,
        /// Whom.
        user: UserId,
    },
    /// Remove a member.
    Kick {
        /// Who asks.
        by: UserId,
        /// Whom.
        user: UserId,
    },
    /// Make a member a lead.
    Promote {
        /// Who asks.
        by: UserId,
        /// Whom.
        user: UserId,
    },
    /// Make a lead a plain member.
    Demote {
        /// Who asks.
        by: UserId,
        /// Whom.
        user: UserId,
    },
    /// Let somebody in who asked.
    Approve {
        /// Who asks.
        by: UserId,
        /// Whom.
        user: UserId,
    },
    /// Turn somebody down who asked.
    Reject {
        /// Who asks.
        by: UserId,
        /// Whom.
        user: UserId,
    },
    /// Make an invite.
    CreateInvite {
        /// Who asks.
        by: UserId,
        /// The invite.
        invite: NewInvite,
        /// When.
        now: Timestamp,
    },
    /// Take an invite back.
    RevokeInvite {
        /// Who asks.
        by: UserId,
        /// Which.
        invite: InviteId,
    },
    /// Come in by an invite, or ask to. That its maker and `user` have not blocked each other is checked before.
    AcceptInvite {
        /// Who.
        user: UserId,
        /// By which.
        invite: InviteId,
        /// When.
        now: Timestamp,
    },
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
    /// Whether joining needs approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<bool>,
}
