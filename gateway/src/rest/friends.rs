//! Friends and blocks.

use super::{
    answer::written,
    body::Body,
    page::Parameters,
    request::{Id, Reader, Writer},
};
use crate::{
    App, Problem,
    limits::Kind,
    operations::{self, MemberChange, WithUser},
    resource::{Friendship, List, Suggestion},
    suggestions::mutual_friends,
};
use axum::{Json, extract::State, response::Response};
use domain::UserId;
use projections::queries::RequestDirection;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What suggesting costs, in searches: 200 friends of 1,000 friends are looked at.
const SUGGESTING: u32 = 5;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(friends, befriend))
        .routes(routes!(requests))
        .routes(routes!(blocked))
        .routes(routes!(suggestions))
        .routes(routes!(accept))
        .routes(routes!(reject))
        .routes(routes!(cancel))
        .routes(routes!(block))
        .routes(routes!(unblock))
        .routes(routes!(unfriend))
}

/// One's friends.
#[utoipa::path(
    get, path = "/friends", tag = "friends",
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

/// Asks somebody to be friends; a request that crosses another accepts it.
#[utoipa::path(
    post, path = "/friends", tag = "friends",
    request_body = MemberChange, responses((status = 201, body = Friendship))
)]
async fn befriend(
    State(app): State<App>,
    writer: Writer,
    Body(request): Body<MemberChange>,
) -> Result<Response, Problem> {
    let request = WithUser { user: request.user_id };
    Ok(written(&app, operations::befriend(&writer.call(&app)?, request).await?).await)
}

/// Requests that wait for an answer.
#[utoipa::path(
    get, path = "/friends/requests", tag = "friends",
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
    get, path = "/friends/suggestions", tag = "friends",
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
    get, path = "/friends/blocked", tag = "friends",
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

macro_rules! act {
    ($(#[$doc:meta])* $name:ident => $operation:path, $path:literal, $($response:tt)*) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "friends",
            params(("userId" = Uuid, Path)), responses($($response)*)
        )]
        async fn $name(State(app): State<App>, writer: Writer, Id(user): Id<UserId>) -> Result<Response, Problem> {
            Ok(written(&app, $operation(&writer.call(&app)?, WithUser { user }).await?).await)
        }
    };
}

act!(
    /// Accepts somebody's request.
    accept => operations::accept, "/friends/{userId}/accept", (status = 200, body = Friendship)
);
act!(
    /// Turns somebody's request down.
    reject => operations::turn_down, "/friends/{userId}/reject", (status = 204)
);
act!(
    /// Takes one's own request back.
    cancel => operations::cancel, "/friends/{userId}/cancel", (status = 204)
);
act!(
    /// Blocks somebody; ends a friendship or request.
    block => operations::block, "/friends/{userId}/block", (status = 200, body = Friendship)
);
act!(
    /// Lifts one's own block.
    unblock => operations::unblock, "/friends/{userId}/unblock", (status = 204)
);
act!(
    /// Ends a friendship.
    unfriend => operations::unfriend, "/friends/{userId}/unfriend", (status = 204)
);
