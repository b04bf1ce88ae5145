//! Stories.

use super::{Answer, Operation, Request, Route};
use async_trait::async_trait;
use axum::http::StatusCode;
use commands::{Done, ShowTo};
use domain::{
    AggregateType, CommentId, Event, StoryId, UserId,
    story::{self, MAX_RECIPIENTS, StoryChange, StoryContent, StoryEvent},
    text::{CommentText, Link, StoryText},
};
use event_store::{Receipt, StreamId};
use limits::Kind;
use projections::queries::{QueryError, StoryRow};
use protocol::{
    Problem,
    request::{Faults, Nothing, Parse},
    resource::{Comment, OrId, Person, Story},
};
use realtime::push::open;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A story to show for a day.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewStory {
    /// The text, at most 8,192 characters (in NFC) of at most 32 KiB; it may be empty or absent beside a `mediaUrl`, else
    /// something in it must show. It is kept as it is written.
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
    /// The text, at most 8,192 characters; in NFC and without invisible ones.
    #[schema(value_type = String)]
    pub content: CommentText,
}

impl Parse for NewComment {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { content: faults.object(value)?.required("content")? })
    }
}

/// `story.post`.
pub struct PostStory;

#[async_trait]
impl Operation for PostStory {
    const NAME: &'static str = "story.post";
    const SUMMARY: &'static str = "Shows a story for a day, to friends or to some people.";
    const BUDGET: Kind = Kind::Story;
    const ROUTE: Option<Route> = Some(Route::post("/stories", "postStory", "stories").creates());

    type Target = ();
    type Body = NewStory;
    type Output = OrId<Story>;

    async fn run(
        (): (),
        NewStory { content: text, media_url, audience }: NewStory,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let (app, user) = (request.app, request.caller.user);
        let (show_to, friends) = match audience {
            NewAudience::Word(_) => (ShowTo::Friends, app.queries.newest_friends(user, MAX_RECIPIENTS).await?),
            NewAudience::People(people) => (ShowTo::People(people), Vec::new()),
        };
        let people = if let ShowTo::People(people) = &show_to { people.len() } else { friends.len() };
        request.pay_for_people(Self::BUDGET, people).await?;
        let named = if let ShowTo::People(people) = &show_to { people.clone() } else { Vec::new() };
        let new = commands::PostStory { content: StoryContent { text, media_url }, show_to, friends };
        let done = app.commands.post_story(&request.context(), new).await;
        let done = done.map_err(|error| Problem::of_people(error, "audience", &named))?;
        request.story(StatusCode::CREATED, &done).await
    }
}

/// Edits one's own story.
pub struct EditStory;

#[async_trait]
impl Operation for EditStory {
    const NAME: &'static str = "story.edit";
    const SUMMARY: &'static str = "Replaces text or picture of one's own story.";
    const BUDGET: Kind = Kind::Story;
    const ROUTE: Option<Route> = Some(Route::patch("/stories/{id}", "updateStory", "stories"));
    const ON_SOCKETS: bool = false;

    type Target = StoryId;
    type Body = StoryUpdate;
    type Output = OrId<Story>;

    async fn run(
        story: StoryId,
        StoryUpdate { content, media_url }: StoryUpdate,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let change = StoryChange { text: content, media_url };
        let done = request.app.commands.edit_story(&request.context(), story, change).await?;
        request.story(StatusCode::OK, &done).await
    }
}

/// Takes one's own story away.
pub struct DeleteStory;

#[async_trait]
impl Operation for DeleteStory {
    const NAME: &'static str = "story.delete";
    const SUMMARY: &'static str = "Takes one's own story away.";
    const BUDGET: Kind = Kind::Story;
    const ROUTE: Option<Route> = Some(Route::delete("/stories/{id}", "deleteStory", "stories"));
    const ON_SOCKETS: bool = false;

    type Target = StoryId;
    type Body = Nothing;
    type Output = Nothing;

    async fn run(story: StoryId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.delete_story(&request.context(), story).await?;
        Ok(Answer::nothing(&done.receipt))
    }
}

/// `story.like`.
pub struct LikeStory;

#[async_trait]
impl Operation for LikeStory {
    const NAME: &'static str = "story.like";
    const SUMMARY: &'static str = "Likes a story.";
    const BUDGET: Kind = Kind::Story;
    const ROUTE: Option<Route> = Some(Route::post("/stories/{id}/like", "likeStory", "stories"));

    type Target = StoryId;
    type Body = Nothing;
    type Output = OrId<Story>;

    async fn run(story: StoryId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.like_story(&request.context(), story).await?;
        request.story(StatusCode::OK, &done).await
    }
}

/// `story.unlike`.
pub struct UnlikeStory;

#[async_trait]
impl Operation for UnlikeStory {
    const NAME: &'static str = "story.unlike";
    const SUMMARY: &'static str = "Takes a like back.";
    const BUDGET: Kind = Kind::Story;
    const ROUTE: Option<Route> = Some(Route::delete("/stories/{id}/like", "unlikeStory", "stories"));

    type Target = StoryId;
    type Body = Nothing;
    type Output = OrId<Story>;

    async fn run(story: StoryId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.unlike_story(&request.context(), story).await?;
        request.story(StatusCode::OK, &done).await
    }
}

/// Notes that the caller has seen a story.
pub struct ViewStory;

#[async_trait]
impl Operation for ViewStory {
    const NAME: &'static str = "story.view";
    const SUMMARY: &'static str = "Marks a story as seen: its author is notified, and nobody else.";
    const BUDGET: Kind = Kind::Story;
    const ROUTE: Option<Route> = Some(Route::post("/stories/{id}/view", "viewStory", "stories"));
    const ON_SOCKETS: bool = false;

    type Target = StoryId;
    type Body = Nothing;
    type Output = Nothing;

    async fn run(story: StoryId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.view_story(&request.context(), story).await?;
        Ok(Answer::nothing(&done.receipt))
    }
}

/// `story.comment`.
pub struct CommentOnStory;

#[async_trait]
impl Operation for CommentOnStory {
    const NAME: &'static str = "story.comment";
    const SUMMARY: &'static str = "Comments on a story.";
    const BUDGET: Kind = Kind::Story;
    const ROUTE: Option<Route> = Some(Route::post("/stories/{id}/comments", "createComment", "stories").creates());

    type Target = StoryId;
    type Body = NewComment;
    type Output = Comment;

    async fn run(story: StoryId, NewComment { content }: NewComment, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.comment_on_story(&request.context(), story, content).await?;
        let comment = request.comment(story, &done.receipt).await?;
        Answer::with(StatusCode::CREATED, &comment, &done.receipt)
    }
}

/// Takes away one's own comment, or one on one's own story.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn delete_comment(request: &Request<'_>, comment: CommentId) -> Result<Answer, Problem> {
    let queries = &request.app.queries;
    let story = match queries.story_of_comment(comment).await {
        // It may have been written a moment ago.
        Err(QueryError::NotFound) => {
            request.app.caught_up().await?;
            queries.story_of_comment(comment).await?
        }
        found => found?,
    };
    let done = request.app.commands.delete_story_comment(&request.context(), story, comment).await?;
    Ok(Answer::nothing(&done.receipt))
}

impl Request<'_> {
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
