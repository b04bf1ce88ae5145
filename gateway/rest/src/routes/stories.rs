//! Stories.

use super::{
    answer::written,
    budget::counted,
    page::Parameters,
    request::{Id, Reader, Writer},
};
use crate::HttpApp;
use axum::{Json, extract::State, response::Response};
use domain::{CommentId, StoryId, UserId};
use limits::Kind;
use operations::App;
use protocol::{
    Problem,
    resource::{Comment, List, Story},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(of_user))
        .routes(routes!(one))
        .routes(routes!(comments))
        .routes(counted(Kind::Story, routes!(delete_comment)))
}

/// One's own stories, those of friends, and those for oneself, newest first.
#[utoipa::path(
    get, path = "/stories", operation_id = "listStories", tag = "stories",
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
    get, path = "/users/{id}/stories", operation_id = "listUserStories", tag = "stories",
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
    get, path = "/stories/{id}", operation_id = "getStory", tag = "stories",
    params(("id" = Uuid, Path)), responses((status = 200, body = Story))
)]
async fn one(State(app): State<App>, Reader(caller): Reader, Id(story): Id<StoryId>) -> Result<Json<Story>, Problem> {
    Ok(Json(app.queries.story(caller.user, story, (app.clock)()).await?.into()))
}

/// The comments on a story, newest first.
#[utoipa::path(
    get, path = "/stories/{id}/comments", operation_id = "listComments", tag = "stories",
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

/// Takes away one's own comment, or one on one's own story.
#[utoipa::path(
    delete, path = "/stories/comments/{id}", operation_id = "deleteComment", tag = "stories",
    params(("id" = Uuid, Path)), responses((status = 204))
)]
async fn delete_comment(
    State(app): State<App>,
    writer: Writer,
    Id(comment): Id<CommentId>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::delete_comment(&writer.request(&app)?, comment).await?).await)
}
