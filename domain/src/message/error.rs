//! The refusals of a message.

use super::{MAX_ATTACHMENTS, MAX_EDITS, MAX_MENTIONS, MAX_OWN_REACTIONS, MAX_PINS, MAX_REACTIONS, MAX_REACTIONS_EACH};
use crate::{Refusal, RefusalKind};

/// A refusal of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It does not exist, or is hidden from the actor.
    #[error("there is no such message")]
    NotFound,
    /// The id names another message.
    #[error("this guid names another message")]
    GuidTaken,
    /// A text message without text.
    #[error("a message of type TEXT needs text; with attachments alone its messageType is IMAGE, FILE or VIDEO")]
    NoText,
    /// Another one without text and attachments.
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
    /// More kinds of reaction than one person can put on a message.
    #[error("one person has at most {MAX_OWN_REACTIONS} kinds of reaction on a message")]
    TooManyOwnReactions,
    /// It has the most edits.
    #[error("a message can be edited at most {MAX_EDITS} times")]
    TooManyEdits,
    /// The person has the most reactions, removed ones included.
    #[error("one person can react to a message at most {MAX_REACTIONS_EACH} times")]
    TooManyReactionChanges,
    /// The conversation has the most pinned messages.
    #[error("a conversation has at most {MAX_PINS} pinned messages")]
    TooManyPins,
    /// The command is for the sender.
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
            Self::NoText | Self::Empty => "empty",
            Self::TooManyAttachments => "too_many_attachments",
            Self::TooManyMentions => "too_many_mentions",
            Self::TooManyReactions | Self::TooManyOwnReactions => "too_many_reactions",
            Self::TooManyEdits => "too_many_edits",
            Self::TooManyReactionChanges => "too_many_reaction_changes",
            Self::TooManyPins => "too_many_pins",
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
            | Self::TooManyOwnReactions
            | Self::TooManyEdits
            | Self::TooManyPins
            | Self::TooManyReactionChanges => RefusalKind::Conflict,
            Self::NoText | Self::Empty | Self::TooManyAttachments | Self::TooManyMentions => RefusalKind::Invalid,
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::NoText | Self::Empty => Some("content"),
            Self::TooManyAttachments => Some("attachments"),
            Self::TooManyMentions => Some("mentions"),
            _ => None,
        }
    }
}
