//! The refusals of a story.

use super::{MAX_ACTS_EACH, MAX_COMMENTS, MAX_PEOPLE};
use crate::{Refusal, RefusalKind};

/// A refusal of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoryError {
    /// It does not exist, has expired, or is hidden from the actor.
    #[error("there is no such story")]
    NotFound,
    /// The id names another story.
    #[error("this story was posted already")]
    AlreadyPosted,
    /// It has neither text nor picture.
    #[error("a story needs text or a picture")]
    Empty,
    /// Its audience names nobody.
    #[error("name at least one person who may see it")]
    NobodyNamed,
    /// Its audience names too many people.
    #[error("a story names at most {MAX_PEOPLE} people")]
    TooManyPeople,
    /// The command is for the author.
    #[error("only the author may do this")]
    AuthorOnly,
    /// It has the most comments.
    #[error("a story has at most {MAX_COMMENTS} comments")]
    TooManyComments,
    /// The person has the most likes, comments and edits, undone ones included.
    #[error("one person can like, comment on or edit a story at most {MAX_ACTS_EACH} times")]
    TooManyActs,
    /// It has no such comment.
    #[error("there is no such comment")]
    CommentNotFound,
    /// The command is for the author of the comment or of the story.
    #[error("only who wrote the comment, or whose story it is, may do this")]
    NotYourComment,
}

impl Refusal for StoryError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound | Self::CommentNotFound => "not_found",
            Self::AlreadyPosted => "already_posted",
            Self::Empty | Self::NobodyNamed => "empty",
            Self::TooManyPeople => "too_many_people",
            Self::AuthorOnly => "author_only",
            Self::TooManyComments => "too_many_comments",
            Self::TooManyActs => "too_many_acts",
            Self::NotYourComment => "not_your_comment",
        }
    }
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound | Self::CommentNotFound => RefusalKind::NotFound,
            Self::AuthorOnly | Self::NotYourComment => RefusalKind::Forbidden,
            Self::AlreadyPosted | Self::TooManyComments | Self::TooManyActs => RefusalKind::Conflict,
            Self::Empty | Self::NobodyNamed | Self::TooManyPeople => RefusalKind::Invalid,
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Empty => Some("content"),
            Self::NobodyNamed | Self::TooManyPeople => Some("audience"),
            _ => None,
        }
    }
}
