//! The refusals of a conversation.

use super::{MAX_INVITES, MAX_MEMBERS};
use crate::{Refusal, RefusalKind};

/// A refusal of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConversationError {
    /// It does not exist, or the actor is not in it.
    #[error("there is no such conversation")]
    NotFound,
    /// The id is in use.
    #[error("this conversation exists already")]
    AlreadyExists,
    /// A direct conversation has exactly one other person.
    #[error("a direct conversation has exactly one other member")]
    OneOther,
    /// More members than a conversation can have.
    #[error("a conversation has at most {MAX_MEMBERS} members")]
    TooManyMembers,
    /// The command is for groups.
    #[error("a direct conversation cannot do this")]
    DirectConversation,
    /// The command is for leads.
    #[error("only a lead of this conversation may do this")]
    LeadOnly,
    /// The named person is not a member.
    #[error("this user is not a member")]
    NotMember,
    /// The named person is a member already.
    #[error("this user is a member already")]
    AlreadyMember,
    /// The named person has not asked to join.
    #[error("this user has not asked to join")]
    NoRequest,
    /// A group must keep a lead.
    #[error("the last lead of a conversation cannot be demoted")]
    LastLead,
    /// Members leave instead of kicking themselves.
    #[error("leave the conversation instead of kicking yourself")]
    KicksOneself,
    /// The invite does not exist or is void.
    #[error("there is no such invite, or it is no longer good")]
    InviteNotFound,
    /// More invites than a group can have.
    #[error("a conversation has at most {MAX_INVITES} invites at a time")]
    TooManyInvites,
    /// The person has left, and is no friend of the actor.
    #[error("this user has left: only a friend of theirs can add them again")]
    HasLeft,
    /// A rate limit.
    #[error("this was done too often: wait a while")]
    TooOften {
        /// In milliseconds.
        wait_ms: i64,
    },
    /// The expiry of an invite has passed.
    #[error("must be in the future")]
    InviteOver,
}

impl Refusal for ConversationError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::OneOther => "one_other",
            Self::TooManyMembers => "too_many_members",
            Self::DirectConversation => "direct_conversation",
            Self::LeadOnly => "lead_only",
            Self::NotMember => "not_member",
            Self::AlreadyMember => "already_member",
            Self::NoRequest => "no_request",
            Self::LastLead => "last_lead",
            Self::KicksOneself => "kicks_oneself",
            Self::InviteNotFound => "invite_not_found",
            Self::TooManyInvites => "too_many_invites",
            Self::HasLeft => "has_left",
            Self::TooOften { .. } => "too_often",
            Self::InviteOver => "in_the_past",
        }
    }
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound | Self::InviteNotFound => RefusalKind::NotFound,
            Self::LeadOnly | Self::HasLeft => RefusalKind::Forbidden,
            Self::OneOther | Self::TooManyMembers | Self::KicksOneself | Self::InviteOver => RefusalKind::Invalid,
            Self::AlreadyExists
            | Self::DirectConversation
            | Self::NotMember
            | Self::AlreadyMember
            | Self::NoRequest
            | Self::LastLead
            | Self::TooOften { .. }
            | Self::TooManyInvites => RefusalKind::Conflict,
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::OneOther | Self::TooManyMembers => Some("members"),
            Self::KicksOneself => Some("userId"),
            Self::InviteOver => Some("expiresAt"),
            _ => None,
        }
    }
    fn wait_ms(&self) -> Option<i64> {
        match self {
            Self::TooOften { wait_ms } => Some(*wait_ms),
            _ => None,
        }
    }
}
