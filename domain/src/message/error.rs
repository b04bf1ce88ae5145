//! Why a message refuses a command.

use super::{MAX_ATTACHMENTS, MAX_EDITS, MAX_MENTIONS, MAX_REACTIONS, MAX_REACTIONS_EACH};
use crate::{Refusal, RefusalKind};

/// A refusal of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// There is none, or the actor may not see it.
    #[error("there is no such message")]
    NotFound,
    /// The id names another message.
    #[error("this guid names another message")]
    GuidTaken,
    /// A text message needs text; the others need text or attachments.
    #[error("a message needs text or attachments")]
    Empty,
    /// More attachments than a message can have.
    #[error("a message has at most {MAX_ATTACHMENTS} attachments")]
    TooManyAttachments,
    /// More mentions than a message can have.
    #[error("a message has at most {MAX_MENTIONS} mentions")]
    TooManyMentions,
    /// More kinds of reaction than a message can have.
    #[error("a message has at most {MAX_REACTIONS} kinds of reaction")]
    TooManyReactions,
    /// It was edited as often as a message can be.
    #[error("a message can be edited at most {MAX_EDITS} times")]
    TooManyEdits,
    /// They reacted as often as one person can.
    #[error("one person can react to a message at most {MAX_REACTIONS_EACH} times")]
    TooManyReactionChanges,
    /// Only who wrote it may.
    #[error("only the sender may do this")]
    SenderOnly,
    /// It was deleted.
    #[error("this message was deleted")]
    Deleted,
}

impl Refusal for MessageError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::GuidTaken => "guid_taken",
            Self::Empty => "empty",
            Self::TooManyAttachments => "too_many_attachments",
            Self::TooManyMentions => "too_many_mentions",
            Self::TooManyReactions => "too_many_reactions",
            Self::TooManyEdits => "too_many_edits",
            Self::TooManyReactionChanges => "too_many_reaction_changes",
            Self::SenderOnly => "sender_only",
            Self::Deleted => "message_deleted",
        }
    }
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound => RefusalKind::NotFound,
            Self::SenderOnly => RefusalKind::Forbidden,
            Self::GuidTaken
            | Self::Deleted
            | Self::TooManyReactions
            | Self::TooManyEdits
            | Self::TooManyReactionChanges => RefusalKind::Conflict,
            Self::Empty | Self::TooManyAttachments | Self::TooManyMentions => RefusalKind::Invalid,
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Empty => Some("content"),
            Self::TooManyAttachments => Some("attachments"),
            Self::TooManyMentions => Some("mentions"),
            _ => None,
        }
    }
}
