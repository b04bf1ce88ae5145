//! The commands on a story, each with its time.

use super::{Audience, StoryContent};
use crate::{
    CommentId, Timestamp, UserId,
    text::{CommentText, Link, StoryText},
};

/// A command on a story. The caller has checked that the actor may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub enum StoryCommand {
    /// Posts it for a day.
    Post {
        author: UserId,
        content: StoryContent,
        audience: Audience,
        /// The recipients: friends of the author, or all named people.
        recipients: Vec<UserId>,
        now: Timestamp,
    },
    /// Replaces text or picture.
    Edit {
        by: UserId,
        change: StoryChange,
        /// The recipients of the posting who may still see it.
        recipients: Vec<UserId>,
        now: Timestamp,
    },
    /// Deletes it.
    Delete {
        by: UserId,
        /// The recipients of the posting who may still see it.
        recipients: Vec<UserId>,
        now: Timestamp,
    },
    /// Deletes it, as a moderator or administrator; the caller has checked the role.
    Remove {
        by: UserId,
        /// The recipients of the posting who may still see it.
        recipients: Vec<UserId>,
        now: Timestamp,
    },
    /// Ends it if it has expired.
    Expire {
        /// The recipients of the posting who may still see it.
        recipients: Vec<UserId>,
        now: Timestamp,
    },
    /// Likes it.
    Like { user: UserId, now: Timestamp },
    /// Removes a like.
    Unlike { user: UserId, now: Timestamp },
    /// Records a view.
    View { user: UserId, now: Timestamp },
    /// Comments on it.
    Comment {
        /// The id of the new comment.
        comment: CommentId,
        user: UserId,
        text: CommentText,
        now: Timestamp,
    },
    /// Deletes a comment.
    DeleteComment { comment: CommentId, by: UserId, now: Timestamp },
}

/// A change of a story; `None` keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct StoryChange {
    /// The new text.
    pub text: Option<StoryText>,
    /// The new picture; `Some(None)` removes it.
    pub media_url: Option<Option<Link>>,
}
