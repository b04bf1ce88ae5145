//! Stories.

use super::{Answer, Call, OnStory};
use crate::{
    Problem,
    limits::Kind,
    push::open,
    request::{Faults, Nothing, Parse},
    resource::{Comment, Person, Story},
};
use axum::http::StatusCode;
use commands::{Done, PostStory, ShowTo};
use domain::{
    AggregateType, CommentId, Event, StoryId, UserId,
    story::{self, MAX_TOLD, StoryChange, StoryContent, StoryEvent},
    text::{CommentText, Link, StoryText},
};
use event_store::{Receipt, StreamId};
use projections::queries::StoryRow;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A story to show for a day.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewStory {
    /// The text, at most 8 KiB; it may be empty or absent beside a `mediaUrl`.
    #[schema(value_type = Option<String>)]
    pub content: StoryText,
    /// A picture or a film.
    #[schema(value_type = Option<String>)]
    pub media_url: Option<Link>,
    /// Whom it is for; friends when absent.
    #[schema(value_type = Option<NewAudience>)]
    pub audience: NewAudience,
}

/// Whom a story is for: the word `friends`, or the ids of 1 to 1,000 people.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum NewAudience {
    /// `friends`.
    #[schema(value_type = String, example = "friends")]
    Word(&'static str),
    /// These.
    #[schema(value_type = Vec<Uuid>)]
    People(Vec<UserId>),
}

impl Parse for NewAudience {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::String(word) if word == "friends" => Some(Self::Word("friends")),
            Value::String(_) => faults.fault("unknown_word", "must be friends, or a list of people"),
            _ => Vec::parse(value, faults).map(Self::People),
        }
    }
}

impl Parse for NewStory {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let media_url = object.optional("mediaUrl");
        let content = match media_url {
            Some(_) => object.optional("content").or_else(|| StoryText::parse("").ok()),
            None => object.required("content"),
        };
        let audience = object.optional("audience").unwrap_or(NewAudience::Word("friends"));
        Some(Self { content: content?, media_url, audience })
    }
}

/// What changes of a story: what is absent stays, a null removes.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct StoryUpdate {
    /// The text.
    #[schema(value_type = Option<String>)]
    pub content: Option<StoryText>,
    /// A picture or a film.
    #[schema(value_type = Option<String>)]
    pub media_url: Option<Option<Link>>,
}

impl Parse for StoryUpdate {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        Some(Self { content: object.kept("content"), media_url: object.removable("mediaUrl") })
    }
}

/// A comment to write.
#[derive(Clone, Debug, ToSchema)]
pub struct NewComment {
    /// The text, at most 8 KiB.
    #[schema(value_type = String)]
    pub content: CommentText,
}

impl Parse for NewComment {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { content: faults.object(value)?.required("content")? })
    }
}

/// Shows a story for a day.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn post_story(call: &Call<'_>, request: NewStory) -> Result<Answer, Problem> {
    let NewStory { content: text, media_url, audience } = request;
    let (show_to, friends) = match audience {
        NewAudience::Word(_) => (ShowTo::Friends, call.app.queries.newest_friends(call.caller.user, MAX_TOLD).await?),
        NewAudience::People(people) => (ShowTo::People(people), Vec::new()),
    };
    let people = if let ShowTo::People(people) = &show_to { people.len() } else { friends.len() };
    call.pay_for_people(Kind::Story, people).await?;
    let request = PostStory { content: StoryContent { text, media_url }, show_to, friends };
    let done = call.app.commands.post_story(&call.context(), request).await?;
    call.story(StatusCode::CREATED, &done).await
}

/// Replaces text or picture of one's own story.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn edit_story(call: &Call<'_>, request: OnStory<StoryUpdate>) -> Result<Answer, Problem> {
    let OnStory { story, body: StoryUpdate { content, media_url } } = request;
    let change = StoryChange { text: content, media_url };
    let done = call.app.commands.edit_story(&call.context(), story, change).await?;
    call.story(StatusCode::OK, &done).await
}

/// Takes one's own story away.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn delete_story(call: &Call<'_>, request: OnStory<Nothing>) -> Result<Answer, Problem> {
    let done = call.app.commands.delete_story(&call.context(), request.story).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Likes a story.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn like_story(call: &Call<'_>, request: OnStory<Nothing>) -> Result<Answer, Problem> {
    let done = call.app.commands.like_story(&call.context(), request.story).await?;
    call.story(StatusCode::OK, &done).await
}

/// Takes a like back.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn unlike_story(call: &Call<'_>, request: OnStory<Nothing>) -> Result<Answer, Problem> {
    let done = call.app.commands.unlike_story(&call.context(), request.story).await?;
    call.story(StatusCode::OK, &done).await
}

/// Notes that the caller has seen a story.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn view_story(call: &Call<'_>, request: OnStory<Nothing>) -> Result<Answer, Problem> {
    let done = call.app.commands.view_story(&call.context(), request.story).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Comments on a story.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn comment_on_story(call: &Call<'_>, request: OnStory<NewComment>) -> Result<Answer, Problem> {
    let OnStory { story, body: NewComment { content } } = request;
    let done = call.app.commands.comment_on_story(&call.context(), story, content).await?;
    let comment = call.comment(story, &done.receipt).await?;
    Answer::with(StatusCode::CREATED, &comment, &done.receipt)
}

/// Takes away one's own comment, or one on one's own story.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn delete_comment(call: &Call<'_>, comment: CommentId) -> Result<Answer, Problem> {
    let story = call.app.queries.story_of_comment(comment).await?;
    let done = call.app.commands.delete_story_comment(&call.context(), story, comment).await?;
    Ok(Answer::nothing(&done.receipt))
}

impl Call<'_> {
    async fn story(&self, status: StatusCode, done: &Done<story::Story>) -> Result<Answer, Problem> {
        let row = self.app.queries.story(self.caller.user, StoryId(done.id), (self.app.clock)());
        self.shown::<Story, StoryRow>(status, &done.receipt, done.id, row).await
    }

    /// The comment of a receipt, from the log.
    async fn comment(&self, story: StoryId, receipt: &Receipt) -> Result<Comment, Problem> {
        let store = &self.app.store;
        let stream = StreamId::new(AggregateType::Story, story);
        let events = store.load(stream, receipt.version.saturating_sub(1)).await?;
        let missing = || Problem::internal("a comment is not in its story's stream");
        let event = events.first().ok_or_else(missing)?;
        let Some(Event::Story(StoryEvent::Commented { comment, user, text, .. })) = open(store, event).await? else {
            return Err(missing());
        };
        let author = self.app.commands.user(*user).await?.state;
        Ok(Comment {
            id: *comment,
            story_id: story,
            author: Person::of(*user, &author),
            content: text.get().map(ToString::to_string),
            created_at: event.record.recorded_at,
        })
    }
}
