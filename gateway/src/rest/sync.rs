//! Catching up over HTTP.

use super::{page::Parameters, request::Reader};
use crate::{App, Problem, hub::SyncPage};
use axum::{Json, extract::State};
use projections::queries::{DEFAULT_LIMIT, MAX_LIMIT};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sync))
}

/// What was missed since a cursor: the same frames as on `/ws`, without what has been taken back since.
#[utoipa::path(
    get, path = "/sync", tag = "sync",
    params(("since" = Option<String>, Query, description = "a cursor; absent: start here"), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = SyncPage))
)]
async fn sync(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<SyncPage>, Problem> {
    let limit = parameters.limit()?.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    Ok(Json(app.hub.sync(caller.user, parameters.get("since"), limit).await?))
}
