//! Reports to the moderators.

use super::{
    page::Parameters,
    request::{Oneself, ReaderOf},
};
use crate::HttpApp;
use axum::{Json, extract::State};
use operations::App;
use protocol::{
    Problem,
    resource::{List, Report},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(mine))
}

/// The reports one made.
#[utoipa::path(
    get, path = "/reports/mine", operation_id = "listMyReports", tag = "reports",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Report>))
)]
async fn mine(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<Oneself>,
    parameters: Parameters,
) -> Result<Json<List<Report>>, Problem> {
    Ok(Json(List::of(app.queries.reports_of(caller.user, &parameters.page()?).await?)))
}
