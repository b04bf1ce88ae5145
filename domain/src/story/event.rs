//! What happened to a story. All of it belongs to the author's own scope, and is told to those it names.

use super::{Audience, StoryContent};
use crate::{
    About, CommentId, Personal, Tier, Timestamp, UserId,
    event::{Kind, kind},
    lane::personal_scope,
    text::CommentText,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of a story; the stream's id is the story's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum StoryEvent {
    /// It is shown.
    #[serde(rename = "story.posted")]
    Posted {
        /// Whose it is.
        author: UserId,
        /// Text and picture.
        content: Personal<StoryContent>,
        /// Who may see it.
        audience: Audience,
        /// Who is told: friends of the author then, or all of the audience.
        told: Vec<UserId>,
        /// Until when it is there.
        expires_at: Timestamp,
    },
    /// Text or picture was replaced.
    #[serde(rename = "story.edited")]
    Edited {
        /// Whose it is.
        author: UserId,
        /// Text and picture from here on.
        content: Personal<StoryContent>,
        /// Those of the told who could still see it.
        told: Vec<UserId>,
    },
    /// It was taken away.
    #[serde(rename = "story.deleted")]
    Deleted {
        /// Whose it was.
        author: UserId,
        /// By whom.
        by: UserId,
        /// Those of the told who could still see it.
        told: Vec<UserId>,
    },
    /// Its time is over.
    #[serde(rename = "story.expired")]
    Expired {
        /// Whose it was.
        author: UserId,
        /// Those of the told who could still see it.
        told: Vec<UserId>,
    },
    /// Somebody likes it.
    #[serde(rename = "story.liked")]
    Liked {
        /// Whose it is.
        author: UserId,
        /// Who.
        user: UserId,
    },
    /// Somebody likes it no longer.
    #[serde(rename = "story.unliked")]
    Unliked {
        /// Whose it is.
        author: UserId,
        /// Who.
        user: UserId,
    },
    /// Somebody has seen it.
    #[serde(rename = "story.viewed")]
    Viewed {
        /// Whose it is.
        author: UserId,
        /// Who.
        user: UserId,
    },
    /// Somebody commented on it.
    #[serde(rename = "story.commented")]
    Commented {
        /// Whose it is.
        author: UserId,
        /// Names the comment.
        comment: CommentId,
        /// Who.
        user: UserId,
        /// What they said.
        text: Personal<CommentText>,
    },
    /// A comment was taken away.
    #[serde(rename = "story.comment_deleted")]
    CommentDeleted {
        /// Whose it is.
        author: UserId,
        /// Which.
        comment: CommentId,
        /// Who had written it.
        user: UserId,
        /// By whom.
        by: UserId,
    },
}

impl StoryEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Posted { .. } => kind("story.posted", 1, Tier::Medium),
            Self::Edited { .. } => kind("story.edited", 1, Tier::Medium),
            Self::Deleted { .. } => kind("story.deleted", 1, Tier::Medium),
            Self::Expired { .. } => kind("story.expired", 1, Tier::Medium),
            Self::Liked { .. } => kind("story.liked", 1, Tier::Medium),
            Self::Unliked { .. } => kind("story.unliked", 1, Tier::Medium),
            Self::Viewed { .. } => kind("story.viewed", 1, Tier::Medium),
            Self::Commented { .. } => kind("story.commented", 1, Tier::Medium),
            Self::CommentDeleted { .. } => kind("story.comment_deleted", 1, Tier::Medium),
        }
    }

    /// Whose story it is.
    #[must_use]
    pub const fn author(&self) -> UserId {
        match self {
            Self::Posted { author, .. }
            | Self::Edited { author, .. }
            | Self::Deleted { author, .. }
            | Self::Expired { author, .. }
            | Self::Liked { author, .. }
            | Self::Unliked { author, .. }
            | Self::Viewed { author, .. }
            | Self::Commented { author, .. }
            | Self::CommentDeleted { author, .. } => *author,
        }
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        personal_scope(self.author())
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        false
    }

    /// The author always; those who see the story for what it shows; whoever likes or comments for that. That somebody
    /// has seen it is the author's alone to know.
    pub(crate) fn about(&self, _stream: Uuid) -> Vec<About> {
        let author = self.author();
        let others: &[UserId] = match self {
            Self::Posted { told, .. }
            | Self::Edited { told, .. }
            | Self::Deleted { told, .. }
            | Self::Expired { told, .. } => told,
            Self::Liked { user, .. }
            | Self::Unliked { user, .. }
            | Self::Commented { user, .. }
            | Self::CommentDeleted { user, .. } => std::slice::from_ref(user),
            Self::Viewed { .. } => &[],
        };
        let others = others.iter().filter(|user| **user != author);
        std::iter::once(&author).chain(others).map(|user| About::told(*user)).collect()
    }
}
