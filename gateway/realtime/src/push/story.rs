//! A story folded up to one of its events, and its pushes.

use super::{again::Again, opened::take};
use domain::{
    CommentId, StoryId, Timestamp, UserId,
    friendship::Standing,
    story::{Audience, Story, StoryEvent},
};
use event_store::Record;
use serde::Serialize;
use utoipa::ToSchema;

/// A story folded up to one of its events.
#[derive(Clone, Debug, Default)]
pub(super) struct StoryFold {
    state: Story,
    created_at: Timestamp,
    edited_at: Option<Timestamp>,
}

/// A story: `story.posted|edited|liked|unliked`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoryPush)]
pub struct StoryData<'a> {
    /// The story.
    #[schema(value_type = Uuid)]
    pub id: StoryId,
    /// The same, under the name it has in other pushes.
    #[schema(value_type = Uuid)]
    pub story_id: StoryId,
    /// The author.
    #[schema(value_type = Uuid)]
    pub author_id: UserId,
    /// The text; null once its author is forgotten.
    pub content: Option<&'a str>,
    /// A picture or a film.
    pub media_url: Option<&'a str>,
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
    pub like_count: usize,
    /// How many comments it has.
    pub comment_count: usize,
    /// Who likes it, or likes it no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    pub user_id: Option<UserId>,
}

/// A story that is over: `story.deleted|expired`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndedStory {
    /// The story.
    #[schema(value_type = Uuid)]
    pub id: StoryId,
    /// The same, under the name it has in other pushes.
    #[schema(value_type = Uuid)]
    pub story_id: StoryId,
    /// The author.
    #[schema(value_type = Uuid)]
    pub author_id: UserId,
    /// `deleted` or `expired`.
    #[schema(value_type = String, example = "expired")]
    pub reason: &'static str,
}

/// Somebody has seen one's story: `story.viewed`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoryView {
    /// The story.
    #[schema(value_type = Uuid)]
    pub story_id: StoryId,
    /// The user.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// Number of viewers.
    pub view_count: usize,
}

/// A comment: `story.commented`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CommentPush)]
pub struct CommentData<'a> {
    /// The comment.
    #[schema(value_type = Uuid)]
    pub id: CommentId,
    /// On which story.
    #[schema(value_type = Uuid)]
    pub story_id: StoryId,
    /// The author.
    #[schema(value_type = Uuid)]
    pub author_id: UserId,
    /// What they say; null once they are forgotten.
    pub content: Option<&'a str>,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// How many comments the story has.
    pub comment_count: usize,
}

/// A comment that was taken away: `story.comment_deleted`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletedComment {
    /// The comment.
    #[schema(value_type = Uuid)]
    pub id: CommentId,
    /// On which story it was.
    #[schema(value_type = Uuid)]
    pub story_id: StoryId,
    /// How many comments the story has.
    pub comment_count: usize,
}

impl StoryFold {
    /// What it takes of memory, in bytes, about.
    pub(super) fn weight(&self) -> usize {
        512 + 96 * self.state.people() + self.state.content().map_or(0, |content| 2 * content.text.as_str().len())
    }

    /// Whether it is a story of `user`'s.
    pub(super) fn is_of(&self, user: UserId) -> bool {
        self.state.shown().is_some_and(|shown| shown.author == user)
    }

    /// Until when it is there.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        self.state.shown().map(|shown| shown.expires_at)
    }

    pub(super) fn apply(&mut self, record: &Record, event: &StoryEvent) {
        match event {
            StoryEvent::Posted { .. } => self.created_at = record.recorded_at,
            StoryEvent::Edited { .. } => self.edited_at = Some(record.recorded_at),
            _ => (),
        }
        take(&mut self.state, event);
    }

    /// The JSON of the event up to which this is folded; `None` when its stream does not lead up to it.
    pub(super) fn render(&self, record: &Record, event: &StoryEvent) -> Option<Result<String, serde_json::Error>> {
        let story_id = StoryId(record.aggregate_id);
        let comment_count = self.state.comments();
        Some(match event {
            StoryEvent::Posted { .. } | StoryEvent::Edited { .. } => json(&self.data(story_id, None)?),
            StoryEvent::Liked { user, .. } | StoryEvent::Unliked { user, .. } => {
                json(&self.data(story_id, Some(*user))?)
            }
            StoryEvent::Deleted { author, .. } => json(&ended(story_id, *author, "deleted")),
            StoryEvent::Expired { author, .. } => json(&ended(story_id, *author, "expired")),
            StoryEvent::Viewed { user, .. } => {
                json(&StoryView { story_id, user_id: *user, view_count: self.state.views() })
            }
            StoryEvent::Commented { comment, user, text, .. } => json(&CommentData {
                id: *comment,
                story_id,
                author_id: *user,
                content: text.get().map(|text| text.as_str()),
                created_at: record.recorded_at,
                comment_count,
            }),
            StoryEvent::CommentDeleted { comment, .. } => {
                json(&DeletedComment { id: *comment, story_id, comment_count })
            }
        })
    }

    /// The JSON of a replayed event, given the story as it is `now` and its author's relation to the reader; `None`
    /// when it is over, or not visible to them.
    pub(super) fn render_again(
        &self,
        record: &Record,
        event: &StoryEvent,
        now: &Self,
        again: &Again<'_>,
    ) -> Option<Result<String, serde_json::Error>> {
        if matches!(event, StoryEvent::Deleted { .. } | StoryEvent::Expired { .. } | StoryEvent::CommentDeleted { .. })
        {
            return self.render(record, event);
        }
        let shown = now.state.at(again.now).ok()?;
        if shown.author != again.reader && !now.is_shown_to(again) {
            return None;
        }
        let is_there = match event {
            // As in the list of comments: nothing of people between whom and the reader a block stands.
            StoryEvent::Liked { .. } | StoryEvent::Commented { .. } | StoryEvent::Viewed { .. }
                if again.is_blocked_either_way =>
            {
                false
            }
            StoryEvent::Liked { user, .. } => now.state.is_liked_by(*user),
            StoryEvent::Commented { comment, .. } => now.state.commenter(*comment).is_some(),
            _ => true,
        };
        let story_id = StoryId(record.aggregate_id);
        match event {
            _ if !is_there => None,
            StoryEvent::Posted { .. } | StoryEvent::Edited { .. } => Some(json(&self.data_as_of(now, story_id, None)?)),
            StoryEvent::Liked { user, .. } | StoryEvent::Unliked { user, .. } => {
                Some(json(&self.data_as_of(now, story_id, Some(*user))?))
            }
            _ => self.render(record, event),
        }
    }

    /// Whether a reader who received it may still see it.
    fn is_shown_to(&self, again: &Again<'_>) -> bool {
        let stands = self.state.shown().is_some_and(|shown| match shown.audience {
            Audience::Friends => again.pair.standing() == Standing::Friends,
            Audience::People => self.state.recipients().contains(&again.reader) && !again.pair.is_blocked(),
        });
        stands && again.author_acts
    }

    fn data(&self, id: StoryId, user_id: Option<UserId>) -> Option<StoryData<'_>> {
        self.data_as_of(self, id, user_id)
    }

    /// The story as it is here, with the text and picture that it has `now`.
    fn data_as_of<'a>(&'a self, now: &'a Self, id: StoryId, user_id: Option<UserId>) -> Option<StoryData<'a>> {
        let shown = self.state.shown()?;
        let content = now.state.content();
        Some(StoryData {
            id,
            story_id: id,
            author_id: shown.author,
            content: content.map(|content| content.text.as_str()),
            media_url: content.and_then(|content| content.media_url.as_ref()).map(|url| url.as_str()),
            created_at: self.created_at,
            edited_at: if content == self.state.content() { self.edited_at } else { now.edited_at },
            expires_at: shown.expires_at,
            like_count: self.state.likes(),
            comment_count: self.state.comments(),
            user_id,
        })
    }
}

const fn ended(id: StoryId, author_id: UserId, reason: &'static str) -> EndedStory {
    EndedStory { id, story_id: id, author_id, reason }
}

fn json(data: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(data)
}
