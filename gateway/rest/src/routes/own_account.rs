//! Taking everything with one that is kept of oneself.

use super::{budget::counted, request::Reader};
use crate::HttpApp;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use limits::Kind;
use operations::{
    App,
    export::{self, Export},
};
use protocol::Problem;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(counted(Kind::Export, routes!(export_all)))
}

/// Everything that is kept of oneself, in one object that is written as it is read. If it breaks off, its last bracket
/// is missing; it does when the session ends.
#[utoipa::path(
    get, path = "/users/me/export", operation_id = "exportMe", tag = "users",
    responses((status = 200, body = Export, headers(("Content-Disposition" = String))))
)]
async fn export_all(State(app): State<App>, Reader(caller): Reader) -> Result<Response, Problem> {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"chatchit-export.json\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let line = app.hub.lifeline(&app.commands, &caller, false).await?;
    let body = axum::body::Body::from_stream(export::export(&app, caller).await?);
    Ok((headers, line.bind(body)).into_response())
}
