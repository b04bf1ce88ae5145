//! The events of a conversation.

use super::{ConversationType, Joining, upcast::without_approval};
use crate::{
    Personal, Recipient, Timestamp, UserId,
    catalogue::{events, optional_fields},
    id::InviteId,
    text::{InviteCode, Link, Title},
};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use uuid::Uuid;

events! {
    /// An event of a conversation; the stream's id is the conversation's. Events that change its members are high.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names of the other fields say what they hold")]
    ConversationEvent of Conversation {
        Created         => "conversation.created"        v2 High   Scope pushed upcast(&[without_approval]),
        Updated         => "conversation.updated"        v1 Medium Scope pushed,
        Deleted         => "conversation.deleted"        v1 High   Scope pushed,
        MemberJoined    => "member.joined"               v2 High   Scope pushed upcast(&[optional_fields]),
        MemberLeft      => "member.left"                 v1 High   Scope pushed,
        MemberAdded     => "member.added"                v1 High   Scope pushed,
        MemberInvited   => "member.invited"              v1 High   Scope pushed,
        MemberKicked    => "member.kicked"               v1 High   Scope pushed,
        MemberPromoted  => "member.promoted"             v1 High   Scope pushed,
        MemberDemoted   => "member.demoted"              v1 High   Scope pushed,
        MemberRequested => "member.requested"            v2 High   Scope pushed upcast(&[optional_fields]),
        MemberApproved  => "member.approved"             v1 High   Scope pushed,
        MemberRejected  => "member.rejected"             v1 High   Scope pushed,
        // Only its maker receives a code, since receivers may pass it on.
        InviteCreated   => "conversation.invite_created" v1 High   Named pushed,
        InviteRevoked   => "conversation.invite_revoked" v1 High   Named pushed,
    }

    /// It was opened.
    Created {
        conversation_type: ConversationType,
        created_by: UserId,
        /// All members, the creator first.
        members: Vec<UserId>,
        /// A group's title and picture.
        settings: Personal<Settings>,
        /// For builds that do not know `joining`.
        approval: bool,
        /// The joining rule; older events have only `approval` ([`Joining::of_approval`]).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        joining: Option<Joining>,
    },
    /// Settings were changed.
    Updated {
        by: UserId,
        /// The new title and picture.
        settings: Personal<Settings>,
        /// As in `Created`.
        approval: bool,
        /// As in `Created`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        joining: Option<Joining>,
        /// Absent in older events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// It was deleted for everybody.
    Deleted {
        /// `None` for the system.
        by: Option<UserId>,
        /// The last members.
        members: Vec<UserId>,
        /// The people with a request or an invitation.
        pending: Vec<UserId>,
    },
    /// A person joined.
    MemberJoined {
        user: UserId,
        /// The invite used, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invite: Option<InviteId>,
        /// Absent in older events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A person left, withdrew a request to join, or declined an invitation.
    MemberLeft {
        user: UserId,
    },
    /// A member added a person.
    MemberAdded {
        user: UserId,
        by: UserId,
        /// Absent in older events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A member invited a person who lets only friends add them.
    MemberInvited {
        user: UserId,
        by: UserId,
        at: Timestamp,
    },
    /// A lead removed a member, or withdrew an invitation.
    MemberKicked {
        user: UserId,
        by: UserId,
    },
    /// A member became a lead.
    MemberPromoted {
        user: UserId,
        /// The promoter; or the last lead who can act, when they leave or no longer can.
        by: UserId,
        /// Absent in older events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A lead became a plain member.
    MemberDemoted {
        user: UserId,
        by: UserId,
    },
    /// A person requested to join.
    MemberRequested {
        user: UserId,
        /// The invite used, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invite: Option<InviteId>,
        /// Absent in older events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A lead accepted a request to join.
    MemberApproved {
        user: UserId,
        by: UserId,
    },
    /// A lead rejected a request to join.
    MemberRejected {
        user: UserId,
        by: UserId,
    },
    /// A member created an invite.
    InviteCreated {
        /// Its id in the log.
        invite: InviteId,
        by: UserId,
        /// The code that admits its holder.
        code: Personal<InviteCode>,
        made_at: Timestamp,
        /// Its expiry; `None`: never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        /// The most uses; `None`: unlimited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_uses: Option<NonZeroU32>,
    },
    /// Its maker or a lead revoked an invite.
    InviteRevoked {
        invite: InviteId,
        by: UserId,
        /// Its maker.
        made_by: UserId,
    },
}

/// Title and picture of a group, a personal value of their last author.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct Settings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Link>,
}

impl ConversationEvent {
    pub(crate) const fn scope(&self, stream: Uuid) -> Uuid {
        stream
    }

    pub(crate) fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        match self {
            Self::Created { members, .. } => members.iter().copied().map(Recipient::join).collect(),
            Self::Deleted { members, pending, .. } => {
                let leave = members.iter().copied().map(Recipient::leave);
                leave.chain(pending.iter().copied().map(Recipient::only)).collect()
            }
            Self::MemberJoined { user, .. } | Self::MemberAdded { user, .. } | Self::MemberApproved { user, .. } => {
                vec![Recipient::join(*user)]
            }
            Self::MemberLeft { user } | Self::MemberKicked { user, .. } => vec![Recipient::leave(*user)],
            Self::MemberRequested { user, .. }
            | Self::MemberRejected { user, .. }
            | Self::MemberInvited { user, .. } => vec![Recipient::only(*user)],
            Self::InviteCreated { by, .. } => vec![Recipient::only(*by)],
            Self::InviteRevoked { by, made_by, .. } if by == made_by => vec![Recipient::only(*by)],
            Self::InviteRevoked { by, made_by, .. } => vec![Recipient::only(*by), Recipient::only(*made_by)],
            Self::Updated { .. } | Self::MemberPromoted { .. } | Self::MemberDemoted { .. } => Vec::new(),
        }
    }
}
