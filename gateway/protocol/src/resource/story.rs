//! Stories and their comments.

use super::Person;
use domain::{CommentId, StoryId, Timestamp};
use projections::queries::{CommentRow, StoryRow};
use serde::Serialize;
use utoipa::ToSchema;

/// A story.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: StoryId,
    /// The author.
    pub author: Person,
    /// The text; null once its author is forgotten.
    pub content: Option<String>,
    /// A picture or a film.
    pub media_url: Option<String>,
    /// Time of posting.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub edited_at: Option<Timestamp>,
    /// Until when it is there.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Number of likes.
    pub like_count: u64,
    /// Whether the caller does.
    pub liked: bool,
    /// Whether the caller has seen it.
    pub viewed: bool,
    /// How many comments it has.
    pub comment_count: u64,
    /// How many have seen it; for its author alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view_count: Option<u64>,
}

/// A comment on a story.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: CommentId,
    /// On which story.
    #[schema(value_type = Uuid)]
    pub story_id: StoryId,
    /// The author.
    pub author: Person,
    /// What they say; null once they are forgotten.
    pub content: Option<String>,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<StoryRow> for Story {
    fn from(row: StoryRow) -> Self {
        Self {
            id: row.id,
            author: row.author.into(),
            content: row.content,
            media_url: row.media_url,
            created_at: row.created_at,
            edited_at: row.edited_at,
            expires_at: row.expires_at,
            like_count: row.like_count,
            liked: row.liked,
            viewed: row.viewed,
            comment_count: row.comment_count,
            view_count: row.view_count,
        }
    }
}

impl From<CommentRow> for Comment {
    fn from(row: CommentRow) -> Self {
        let CommentRow { id, story, author, content, created_at, .. } = row;
        Self { id, story_id: story, author: author.into(), content, created_at }
    }
}
