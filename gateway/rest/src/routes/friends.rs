//! Friends and blocks.

use super::{budget::counted, page::Parameters, request::Reader};
use crate::HttpApp;
use axum::{Json, extract::State};
use limits::Kind;
use operations::{App, suggestions::mutual_friends};
use projections::queries::RequestDirection;
use protocol::{
    Problem,
    resource::{Friendship, List, Suggestion},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What suggesting costs, in searches: 200 friends of 1,000 friends are looked at.
const SUGGESTING: u32 = 5;

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new()
        .routes(routes!(friends))
        .routes(routes!(requests))
        .routes(routes!(blocked))
        .routes(counted(Kind::Search, routes!(suggestions)))
}

/// One's friends.
#[utoipa::path(
    get, path = "/friends", operation_id = "listFriends", tag = "friends",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Friendship>))
)]
async fn friends(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<Friendship>>, Problem> {
    Ok(Json(List::of(app.queries.friends(caller.user, &parameters.page()?).await?)))
}

/// Requests that wait for an answer.
#[utoipa::path(
    get, path = "/friends/requests", operation_id = "listFriendRequests", tag = "friends",
    params(
        ("direction" = Option<String>, Query, description = "`in` (when absent) or `out`"),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = List<Friendship>))
)]
async fn requests(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<Friendship>>, Problem> {
    let directions = [("in", RequestDirection::In), ("out", RequestDirection::Out)];
    let direction = parameters.one_of("direction", &directions)?;
    Ok(Json(List::of(app.queries.friend_requests(caller.user, direction, &parameters.page()?).await?)))
}

/// People one may know: friends of friends, those with the most mutual friends first. Nobody with whom there is a
/// friendship, a request or a block.
#[utoipa::path(
    get, path = "/friends/suggestions", operation_id = "listFriendSuggestions", tag = "friends",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Suggestion>))
)]
async fn suggestions(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<Suggestion>>, Problem> {
    let page = parameters.page()?;
    let _turn = app.costly(&caller, Kind::Search, SUGGESTING).await?;
    let mutual = mutual_friends(&app, caller.user).await?;
    Ok(Json(List::of(app.queries.suggestions(caller.user, &mutual, &page).await?)))
}

/// Those one has blocked.
#[utoipa::path(
    get, path = "/friends/blocked", operation_id = "listBlockedUsers", tag = "friends",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Friendship>))
)]
async fn blocked(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<Friendship>>, Problem> {
    Ok(Json(List::of(app.queries.blocked(caller.user, &parameters.page()?).await?)))
}
