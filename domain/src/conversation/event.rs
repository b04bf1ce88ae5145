//! What happened to a conversation.

use super::{ConversationType, Joining};
use crate::{
    About, Personal, Tier, Timestamp, UserId,
    event::{Kind, kind},
    id::InviteId,
    text::{InviteCode, Link, Title},
};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use uuid::Uuid;

/// An event of a conversation; the stream's id is the conversation's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum ConversationEvent {
    /// It was opened.
    #[serde(rename = "conversation.created")]
    Created {
        /// Direct or group.
        conversation_type: ConversationType,
        /// Who opened it.
        created_by: UserId,
        /// All members, the creator first.
        members: Vec<UserId>,
        /// A group's title and picture.
        settings: Personal<Settings>,
        /// Whether joining needs approval: what builds that do not know `joining` go by.
        approval: bool,
        /// How people come in by themselves; older events say it by `approval` alone ([`Joining::of_approval`]).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        joining: Option<Joining>,
    },
    /// Settings were changed.
    #[serde(rename = "conversation.updated")]
    Updated {
        /// By whom.
        by: UserId,
        /// The title and picture from here on.
        settings: Personal<Settings>,
        /// Whether joining needs approval from here on.
        approval: bool,
        /// How people come in by themselves from here on; as in `Created`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        joining: Option<Joining>,
        /// When; older events do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// It is over for everybody.
    #[serde(rename = "conversation.deleted")]
    Deleted {
        /// By whom; `None` is the system itself.
        by: Option<UserId>,
        /// Who was in it.
        members: Vec<UserId>,
        /// Who had asked to be.
        pending: Vec<UserId>,
    },
    /// Somebody became a member by themselves.
    #[serde(rename = "member.joined")]
    MemberJoined {
        /// Who.
        user: UserId,
        /// By which invite, if by one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invite: Option<InviteId>,
        /// When; older events do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// Somebody left, or took back having asked to join.
    #[serde(rename = "member.left")]
    MemberLeft {
        /// Who.
        user: UserId,
    },
    /// A member made somebody a member.
    #[serde(rename = "member.added")]
    MemberAdded {
        /// Who.
        user: UserId,
        /// By whom.
        by: UserId,
        /// When; older events do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A lead removed a member.
    #[serde(rename = "member.kicked")]
    MemberKicked {
        /// Who.
        user: UserId,
        /// By whom.
        by: UserId,
    },
    /// A member became a lead.
    #[serde(rename = "member.promoted")]
    MemberPromoted {
        /// Who.
        user: UserId,
        /// By whom: the last lead who can act hands over when they leave, or no longer can.
        by: UserId,
        /// When; older events do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A lead became a plain member.
    #[serde(rename = "member.demoted")]
    MemberDemoted {
        /// Who.
        user: UserId,
        /// By whom.
        by: UserId,
    },
    /// Somebody asked to join.
    #[serde(rename = "member.requested")]
    MemberRequested {
        /// Who.
        user: UserId,
        /// By which invite, if by one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invite: Option<InviteId>,
        /// When; older events do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A lead let somebody in who had asked.
    #[serde(rename = "member.approved")]
    MemberApproved {
        /// Who.
        user: UserId,
        /// By whom.
        by: UserId,
    },
    /// A lead turned somebody down who had asked.
    #[serde(rename = "member.rejected")]
    MemberRejected {
        /// Who.
        user: UserId,
        /// By whom.
        by: UserId,
    },
    /// A member made an invite.
    #[serde(rename = "conversation.invite_created")]
    InviteCreated {
        /// What it is called in the log.
        invite: InviteId,
        /// By whom.
        by: UserId,
        /// The code: whoever has it may come.
        code: Personal<InviteCode>,
        /// When.
        made_at: Timestamp,
        /// From when on it is good for nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        /// How many may come by it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_uses: Option<NonZeroU32>,
    },
    /// Its maker or a lead took an invite back.
    #[serde(rename = "conversation.invite_revoked")]
    InviteRevoked {
        /// Which.
        invite: InviteId,
        /// By whom.
        by: UserId,
        /// Who had made it.
        made_by: UserId,
    },
}

/// What people named and pictured a group; it belongs to who wrote it last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// The picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Link>,
}

impl ConversationEvent {
    /// Name, version and tier. Every event that changes who belongs is high.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Created { .. } => kind("conversation.created", 2, Tier::High),
            Self::Updated { .. } => kind("conversation.updated", 1, Tier::Medium),
            Self::Deleted { .. } => kind("conversation.deleted", 1, Tier::High),
            Self::MemberJoined { .. } => kind("member.joined", 2, Tier::High),
            Self::MemberLeft { .. } => kind("member.left", 1, Tier::High),
            Self::MemberAdded { .. } => kind("member.added", 1, Tier::High),
            Self::MemberKicked { .. } => kind("member.kicked", 1, Tier::High),
            Self::MemberPromoted { .. } => kind("member.promoted", 1, Tier::High),
            Self::MemberDemoted { .. } => kind("member.demoted", 1, Tier::High),
            Self::MemberRequested { .. } => kind("member.requested", 2, Tier::High),
            Self::MemberApproved { .. } => kind("member.approved", 1, Tier::High),
            Self::MemberRejected { .. } => kind("member.rejected", 1, Tier::High),
            Self::InviteCreated { .. } => kind("conversation.invite_created", 1, Tier::High),
            Self::InviteRevoked { .. } => kind("conversation.invite_revoked", 1, Tier::High),
        }
    }

    pub(crate) const fn scope(&self, stream: Uuid) -> Uuid {
        stream
    }

    /// A code is told to whom it belongs alone: whoever hears it may pass it on.
    pub(crate) const fn is_scope_wide(&self) -> bool {
        !matches!(self, Self::InviteCreated { .. } | Self::InviteRevoked { .. })
    }

    pub(crate) fn about(&self, _stream: Uuid) -> Vec<About> {
        match self {
            Self::Created { members, .. } => members.iter().copied().map(About::enters).collect(),
            Self::Deleted { members, pending, .. } => {
                let leave = members.iter().copied().map(About::leaves);
                leave.chain(pending.iter().copied().map(About::told)).collect()
            }
            Self::MemberJoined { user, .. } | Self::MemberAdded { user, .. } | Self::MemberApproved { user, .. } => {
                vec![About::enters(*user)]
            }
            Self::MemberLeft { user } | Self::MemberKicked { user, .. } => vec![About::leaves(*user)],
            Self::MemberRequested { user, .. } | Self::MemberRejected { user, .. } => vec![About::told(*user)],
            Self::InviteCreated { by, .. } => vec![About::told(*by)],
            Self::InviteRevoked { by, made_by, .. } if by == made_by => vec![About::told(*by)],
            Self::InviteRevoked { by, made_by, .. } => vec![About::told(*by), About::told(*made_by)],
            Self::Updated { .. } | Self::MemberPromoted { .. } | Self::MemberDemoted { .. } => Vec::new(),
        }
    }
}
