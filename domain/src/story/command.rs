//! What can be asked of a story. Each command says when it is asked.

use super::{Audience, StoryContent};
use crate::{
    CommentId, Timestamp, UserId,
    text::{CommentText, Link, StoryText},
};

/// A command on a story. That the actor may see it is checked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoryCommand {
    /// Shows it for a day.
    Post {
        /// Whose it is.
        author: UserId,
        /// Text and picture.
        content: StoryContent,
        /// Who may see it.
        audience: Audience,
        /// Who is told: friends of the author, or all of the audience.
        told: Vec<UserId>,
        /// When.
        now: Timestamp,
    },
    /// Replaces text or picture.
    Edit {
        /// Who asks.
        by: UserId,
        /// What changes.
        change: StoryChange,
        /// Those of the told who may still see it.
        told: Vec<UserId>,
        /// When.
        now: Timestamp,
    },
    /// Takes it away.
    Delete {
        /// Who asks.
        by: UserId,
        /// Those of the told who may still see it.
        told: Vec<UserId>,
        /// When.
        now: Timestamp,
    },
    /// Take it away, whoever's it is. That the actor may is known.
    Remove {
        /// Who asks.
        by: UserId,
        /// Those of the told who may still see it.
        told: Vec<UserId>,
        /// When.
        now: Timestamp,
    },
    /// Its time may be over.
    Expire {
        /// Those of the told who may still see it.
        told: Vec<UserId>,
        /// When.
        now: Timestamp,
    },
    /// Likes it.
    Like {
        /// Who.
        user: UserId,
        /// When.
        now: Timestamp,
    },
    /// Likes it no longer.
    Unlike {
        /// Who.
        user: UserId,
        /// When.
        now: Timestamp,
    },
    /// Has seen it.
    View {
        /// Who.
        user: UserId,
        /// When.
        now: Timestamp,
    },
    /// Comments on it.
    Comment {
        /// The id that the comment is to have.
        comment: CommentId,
        /// Who.
        user: UserId,
        /// What they say.
        text: CommentText,
        /// When.
        now: Timestamp,
    },
    /// Takes a comment away.
    DeleteComment {
        /// Which.
        comment: CommentId,
        /// Who asks.
        by: UserId,
        /// When.
        now: Timestamp,
    },
}

/// What changes of a story: what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct StoryChange {
    /// The text from here on.
    pub text: Option<StoryText>,
    /// The picture from here on; `Some(None)` removes it.
    pub media_url: Option<Option<Link>>,
}
