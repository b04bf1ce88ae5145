//! The events of a story, in the author's own scope, for the people they name.

use super::{Audience, StoryContent};
use crate::{
    CommentId, Personal, Recipient, Timestamp, UserId, catalogue::events, lane::personal_scope, text::CommentText,
};
use uuid::Uuid;

events! {
    /// An event of a story; the stream's id is the story's.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names of the other fields say what they hold")]
    StoryEvent of Story {
        Posted         => "story.posted"          v1 Medium Named pushed,
        Edited         => "story.edited"          v1 Medium Named pushed,
        Deleted        => "story.deleted"         v1 Medium Named pushed,
        Expired        => "story.expired"         v1 Medium Named pushed,
        Liked          => "story.liked"           v1 Medium Named pushed,
        Unliked        => "story.unliked"         v1 Medium Named pushed,
        Viewed         => "story.viewed"          v1 Medium Named pushed,
        Commented      => "story.commented"       v1 Medium Named pushed,
        CommentDeleted => "story.comment_deleted" v1 Medium Named pushed,
    }

    /// It was posted.
    Posted {
        author: UserId,
        content: Personal<StoryContent>,
        audience: Audience,
        /// The recipients: friends of the author at that time, or all named people.
        #[serde(rename = "told")]
        recipients: Vec<UserId>,
        /// Its expiry.
        expires_at: Timestamp,
    },
    /// Text or picture was replaced.
    Edited {
        author: UserId,
        /// The new text and picture.
        content: Personal<StoryContent>,
        /// The recipients of the posting who could still see it.
        #[serde(rename = "told")]
        recipients: Vec<UserId>,
    },
    /// It was deleted.
    Deleted {
        author: UserId,
        by: UserId,
        /// The recipients of the posting who could still see it.
        #[serde(rename = "told")]
        recipients: Vec<UserId>,
    },
    /// It expired.
    Expired {
        author: UserId,
        /// The recipients of the posting who could still see it.
        #[serde(rename = "told")]
        recipients: Vec<UserId>,
    },
    /// A viewer liked it.
    Liked {
        author: UserId,
        user: UserId,
    },
    /// A viewer removed a like.
    Unliked {
        author: UserId,
        user: UserId,
    },
    /// A viewer saw it.
    Viewed {
        author: UserId,
        user: UserId,
    },
    /// A viewer commented on it.
    Commented {
        author: UserId,
        /// The comment's id.
        comment: CommentId,
        user: UserId,
        text: Personal<CommentText>,
    },
    /// A comment was deleted.
    CommentDeleted {
        author: UserId,
        comment: CommentId,
        user: UserId,
        by: UserId,
    },
}

impl StoryEvent {
    /// Its author.
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

    /// The author always; viewers for content; the person who likes or comments for that. Only the author receives
    /// views.
    pub(crate) fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        let author = self.author();
        let others: &[UserId] = match self {
            Self::Posted { recipients, .. }
            | Self::Edited { recipients, .. }
            | Self::Deleted { recipients, .. }
            | Self::Expired { recipients, .. } => recipients,
            Self::Liked { user, .. }
            | Self::Unliked { user, .. }
            | Self::Commented { user, .. }
            | Self::CommentDeleted { user, .. } => std::slice::from_ref(user),
            Self::Viewed { .. } => &[],
        };
        let others = others.iter().filter(|user| **user != author);
        std::iter::once(&author).chain(others).map(|user| Recipient::only(*user)).collect()
    }
}
