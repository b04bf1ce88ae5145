//! People.

use super::{
    answer::written,
    body::Body,
    page::Parameters,
    request::{Id, Reader, Writer},
};
use crate::{
    App, Problem,
    limits::Kind,
    operations::{ProfileUpdate, update_profile},
    resource::{List, OwnUser, User},
};
use axum::{Json, extract::State, response::Response};
use domain::UserId;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(me, update)).routes(routes!(user)).routes(routes!(search))
}

/// Oneself.
#[utoipa::path(get, path = "/users/me", tag = "users", responses((status = 200, body = OwnUser)))]
async fn me(State(app): State<App>, Reader(caller): Reader) -> Result<Json<OwnUser>, Problem> {
    Ok(Json(app.queries.user(caller.user).await?.into()))
}

/// Changes one's profile.
#[utoipa::path(
    patch, path = "/users/me", tag = "users",
    request_body = ProfileUpdate, responses((status = 200, body = OwnUser))
)]
async fn update(
    State(app): State<App>,
    writer: Writer,
    Body(request): Body<ProfileUpdate>,
) -> Result<Response, Problem> {
    Ok(written(&app, update_profile(&writer.call(&app)?, request).await?).await)
}

/// Somebody. To whom they have blocked, they do not exist.
#[utoipa::path(
    get, path = "/users/{id}", tag = "users",
    params(("id" = Uuid, Path)), responses((status = 200, body = User))
)]
async fn user(State(app): State<App>, Reader(caller): Reader, Id(user): Id<UserId>) -> Result<Json<User>, Problem> {
    Ok(Json(app.queries.user_seen_by(caller.user, user).await?.into()))
}

/// People by how words of their names begin, or by their whole e-mail address: that address first, then whole words.
#[utoipa::path(
    get, path = "/users", tag = "users",
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
    let text = parameters.get("query").map(str::trim).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Problem::field("query", "required", "is required"))?;
    let page = parameters.page()?;
    let _turn = app.costly(&caller, Kind::Search, page.cost()).await?;
    Ok(Json(List::of(app.queries.search_users(caller.user, text, &page).await?)))
}
