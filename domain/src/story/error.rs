//! Why a story refuses a command.

use super::{MAX_ACTS_EACH, MAX_COMMENTS, MAX_PEOPLE};
use crate::{Refusal, RefusalKind};

/// A refusal of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoryError {
    /// There is none, its time is over, or the actor may not see it.
    #[error("there is no such story")]
    NotFound,
    /// The id names another story.
    #[error("this story was posted already")]
    AlreadyPosted,
    /// It says and shows nothing.
    #[error("a story needs text or a picture")]
    Empty,
    /// Its audience is an empty list.
    #[error("name somebody who may see it")]
    NobodyNamed,
    /// Its audience names more people than it can.
    #[error("a story names at most {MAX_PEOPLE} people")]
    TooManyPeople,
    /// Only whose story it is may.
    #[error("only the author may do this")]
    AuthorOnly,
    /// It has as many comments as it can have.
    #[error("a story has at most {MAX_COMMENTS} comments")]
    TooManyComments,
    /// They liked, commented on or edited it as often as one person can.
    #[error("one person can like, comment on or edit a story at most {MAX_ACTS_EACH} times")]
    TooManyActs,
    /// There is no such comment on it.
    #[error("there is no such comment")]
    CommentNotFound,
    /// Only who wrote it, or whose story it is, may.
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
