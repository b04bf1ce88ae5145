//! One's own account: its password, hiding it, taking everything with one, erasing it.

use super::{
    answer::written,
    body::{Body, OptionalBody},
    request::{Reader, Writer},
};
use crate::{
    App, Problem,
    export::{self, Export},
    operations::{self, Farewell, PasswordChange},
};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(erase))
        .routes(routes!(change_password))
        .routes(routes!(deactivate))
        .routes(routes!(export_all))
}

/// Changes one's password. All other sessions end with it: their sockets close, their tokens are refused.
#[utoipa::path(
    post, path = "/users/me/password", tag = "users", request_body = PasswordChange, responses((status = 204))
)]
async fn change_password(
    State(app): State<App>,
    writer: Writer,
    Body(request): Body<PasswordChange>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::change_password(&writer.call(&app)?, request).await?).await)
}

/// Hides one's account and ends all sessions. Nobody finds it until one signs in again, with the same password; what
/// one wrote stays where it is.
#[utoipa::path(post, path = "/users/me/deactivate", tag = "users", responses((status = 204)))]
async fn deactivate(State(app): State<App>, writer: Writer) -> Result<Response, Problem> {
    Ok(written(&app, operations::deactivate(&writer.call(&app)?).await?).await)
}

/// Everything that is kept of oneself, in one object that is written as it is read. If it breaks off, its last bracket
/// is missing; it does when the session ends.
#[utoipa::path(get, path = "/users/me/export", tag = "users", responses((status = 200, body = Export)))]
async fn export_all(State(app): State<App>, Reader(caller): Reader) -> Result<Response, Problem> {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"chatchit-export.json\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let line = app.lifeline(&caller, false).await?;
    let body = axum::body::Body::from_stream(export::export(&app, caller).await?);
    Ok((headers, line.bind(body)).into_response())
}

/// Erases one's account, for good. What one wrote can be read by nobody any more, one leaves all groups, friendships
/// end, all sessions end, and the e-mail address is free again. No body is needed; a password that is given must be
/// right. Others see that somebody was there, without a name.
#[utoipa::path(
    delete, path = "/users/me", tag = "users", request_body = Option<Farewell>, responses((status = 204))
)]
async fn erase(
    State(app): State<App>,
    writer: Writer,
    OptionalBody(request): OptionalBody<Farewell>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::erase(&writer.call(&app)?, request).await?).await)
}
