//! What can be asked of a conversation.

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
        /// How people come into a group by themselves.
        joining: Joining,
    },
    /// Change a group's settings; what is `None` stays.
    Update {
        /// Who asks.
        by: UserId,
        /// What changes.
        change: SettingsChange,
        /// When.
        now: Timestamp,
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
    /// Become a member, or ask to. That no block stands between them and a lead is checked before.
    Join {
        /// Who.
        user: UserId,
        /// When.
        now: Timestamp,
    },
    /// Stop being a member, or take back having asked.
    Leave {
        /// Who.
        user: UserId,
        /// Members who cannot act now, as far as [`succession`](super::Conversation::succession) asked for them.
        idle: BTreeSet<UserId>,
    },
    /// Make somebody a member.
    Add {
        /// Who asks.
        by: UserId,
        /// Whom.
        user: UserId,
        /// How `user` stands.
        known_as: Newcomer,
        /// When.
        now: Timestamp,
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
        /// When.
        now: Timestamp,
    },
    /// Make a member a lead, as somebody who watches over the server.
    Appoint {
        /// Who asks. That they may is checked before.
        by: UserId,
        /// Whom.
        user: UserId,
        /// When.
        now: Timestamp,
    },
    /// Make a lead a plain member.
    Demote {
        /// Who asks.
        by: UserId,
        /// Whom.
        user: UserId,
        /// As for [`Leave`](Self::Leave).
        idle: BTreeSet<UserId>,
    },
    /// Have a lead who can act, when there is a member who can.
    Settle {
        /// As for [`Leave`](Self::Leave).
        idle: BTreeSet<UserId>,
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

/// How somebody who is to be added stands with those who are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newcomer {
    /// They are a friend of whoever adds them.
    pub is_friend: bool,
    /// A lead has blocked them.
    pub is_shunned: bool,
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
    /// Whether joining needs approval; what `joining` says stands before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<bool>,
    /// How people come in by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joining: Option<Joining>,
}
