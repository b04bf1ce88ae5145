//! Stories.

use super::{
    answer::written,
    body::Body,
    page::Parameters,
    request::{Id, Reader, Writer},
};
use crate::{
    App, Problem,
    operations::{self, NewComment, NewStory, OnStory, StoryUpdate},
    request::Nothing,
    resource::{Comment, List, Story},
};
use axum::{Json, extract::State, response::Response};
use domain::{CommentId, StoryId, UserId};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(post_story, list))
        .routes(routes!(of_user))
        .routes(routes!(one, edit_story, delete_story))
        .routes(routes!(like_story, unlike_story))
        .routes(routes!(view_story))
        .routes(routes!(comments, comment))
        .routes(routes!(delete_comment))
}

/// Shows a story for a day, to friends or to some people.
#[utoipa::path(
    post, path = "/stories", tag = "stories", request_body = NewStory, responses((status = 201, body = Story))
)]
async fn post_story(
    State(app): State<App>,
    writer: Writer,
    Body(request): Body<NewStory>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::post_story(&writer.call(&app)?, request).await?).await)
}

/// One's own stories, those of friends, and those for oneself, newest first.
#[utoipa::path(
    get, path = "/stories", tag = "stories",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Story>))
)]
async fn list(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<Story>>, Problem> {
    Ok(Json(List::of(app.queries.stories(caller.user, (app.clock)(), &parameters.page()?).await?)))
}

/// The stories of somebody, as far as the caller may see them, newest first.
#[utoipa::path(
    get, path = "/users/{id}/stories", tag = "stories",
    params(("id" = Uuid, Path), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Story>))
)]
async fn of_user(
    State(app): State<App>,
    Reader(caller): Reader,
    Id(author): Id<UserId>,
    parameters: Parameters,
) -> Result<Json<List<Story>>, Problem> {
    Ok(Json(List::of(app.queries.stories_of(caller.user, author, (app.clock)(), &parameters.page()?).await?)))
}

/// A story.
#[utoipa::path(
    get, path = "/stories/{id}", tag = "stories", params(("id" = Uuid, Path)), responses((status = 200, body = Story))
)]
async fn one(State(app): State<App>, Reader(caller): Reader, Id(story): Id<StoryId>) -> Result<Json<Story>, Problem> {
    Ok(Json(app.queries.story(caller.user, story, (app.clock)()).await?.into()))
}

/// Replaces text or picture of one's own story.
#[utoipa::path(
    patch, path = "/stories/{id}", tag = "stories",
    params(("id" = Uuid, Path)), request_body = StoryUpdate, responses((status = 200, body = Story))
)]
async fn edit_story(
    State(app): State<App>,
    writer: Writer,
    Id(story): Id<StoryId>,
    Body(body): Body<StoryUpdate>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::edit_story(&writer.call(&app)?, OnStory { story, body }).await?).await)
}

macro_rules! on_story {
    ($(#[$doc:meta])* $method:ident $name:ident, $path:literal, $responses:tt) => {
        $(#[$doc])*
        #[utoipa::path($method, path = $path, tag = "stories", params(("id" = Uuid, Path)), responses $responses)]
        async fn $name(State(app): State<App>, writer: Writer, Id(story): Id<StoryId>) -> Result<Response, Problem> {
            let request = OnStory { story, body: Nothing };
            Ok(written(&app, operations::$name(&writer.call(&app)?, request).await?).await)
        }
    };
}

on_story!(
    /// Takes one's own story away.
    delete delete_story, "/stories/{id}", ((status = 204))
);
on_story!(
    /// Likes a story.
    post like_story, "/stories/{id}/like", ((status = 200, body = Story))
);
on_story!(
    /// Takes a like back.
    delete unlike_story, "/stories/{id}/like", ((status = 200, body = Story))
);
on_story!(
    /// One has seen a story: its author is told, and nobody else.
    post view_story, "/stories/{id}/view", ((status = 204))
);

/// The comments on a story, newest first.
#[utoipa::path(
    get, path = "/stories/{id}/comments", tag = "stories",
    params(("id" = Uuid, Path), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Comment>))
)]
async fn comments(
    State(app): State<App>,
    Reader(caller): Reader,
    Id(story): Id<StoryId>,
    parameters: Parameters,
) -> Result<Json<List<Comment>>, Problem> {
    let page = app.queries.story_comments(caller.user, story, (app.clock)(), &parameters.page()?).await?;
    Ok(Json(List::of(page)))
}

/// Comments on a story.
#[utoipa::path(
    post, path = "/stories/{id}/comments", tag = "stories",
    params(("id" = Uuid, Path)), request_body = NewComment, responses((status = 201, body = Comment))
)]
async fn comment(
    State(app): State<App>,
    writer: Writer,
    Id(story): Id<StoryId>,
    Body(body): Body<NewComment>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::comment_on_story(&writer.call(&app)?, OnStory { story, body }).await?).await)
}

/// Takes away one's own comment, or one on one's own story.
#[utoipa::path(
    delete, path = "/stories/comments/{id}", tag = "stories", params(("id" = Uuid, Path)), responses((status = 204))
)]
async fn delete_comment(
    State(app): State<App>,
    writer: Writer,
    Id(comment): Id<CommentId>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::delete_comment(&writer.call(&app)?, comment).await?).await)
}
