//! Catching up over HTTP.

use super::{page::Parameters, request::Reader};
use crate::HttpApp;
use axum::{Json, extract::State};
use operations::App;
use projections::queries::DEFAULT_LIMIT;
use protocol::Problem;
use realtime::hub::SyncPage;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(sync))
}

/// What was missed since a cursor: the same frames as on `/ws`, without what has been taken back since.
#[utoipa::path(
    get, path = "/sync", operation_id = "sync", tag = "sync",
    params(("since" = Option<String>, Query, description = "a cursor; absent: start here"), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = SyncPage))
)]
async fn sync(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<SyncPage>, Problem> {
    let limit = parameters.limit()?.unwrap_or(DEFAULT_LIMIT);
    Ok(Json(app.hub.sync(caller.user, parameters.get("since").filter(|cursor| !cursor.is_empty()), limit).await?))
}
