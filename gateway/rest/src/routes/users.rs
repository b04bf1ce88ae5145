//! People.

use super::{
    budget::counted,
    page::Parameters,
    request::{Id, Oneself, Reader, ReaderOf, Somebody},
};
use crate::HttpApp;
use axum::{Json, extract::State};
use domain::UserId;
use limits::Kind;
use operations::App;
use protocol::{
    Problem,
    resource::{List, OwnUser, User},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(me)).routes(routes!(user)).routes(counted(Kind::Search, routes!(search)))
}

/// Oneself.
#[utoipa::path(
    get, path = "/users/me", operation_id = "getMe", tag = "users",
    responses((status = 200, body = OwnUser))
)]
async fn me(State(app): State<App>, ReaderOf(caller, _): ReaderOf<Oneself>) -> Result<Json<OwnUser>, Problem> {
    Ok(Json(app.queries.user(caller.user).await?.into()))
}

/// Somebody. To whom they have blocked, they do not exist.
#[utoipa::path(
    get, path = "/users/{id}", operation_id = "getUser", tag = "users",
    params(("id" = Uuid, Path)), responses((status = 200, body = User))
)]
async fn user(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<Somebody>,
    Id(user): Id<UserId>,
) -> Result<Json<User>, Problem> {
    Ok(Json(app.queries.user_seen_by(caller.user, user).await?.into()))
}

/// People by how words of their names begin, or by their whole e-mail address: that address first, then whole words.
#[utoipa::path(
    get, path = "/users", operation_id = "searchUsers", tag = "users",
    params(
        ("query" = String, Query, description = "how words of a name begin, whatever their case and marks, or a whole e-mail address"),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = List<User>))
)]
async fn search(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<User>>, Problem> {
    let text = parameters.searched("query")?.trim();
    let page = parameters.page()?;
    let _turn = app.costly(&caller, Kind::Search, page.cost()).await?;
    Ok(Json(List::of(app.queries.search_users(caller.user, text, &page).await?)))
}
