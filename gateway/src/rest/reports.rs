//! Reports to the moderators.

use super::{
    answer::written,
    body::Body,
    page::Parameters,
    request::{Reader, Writer},
};
use crate::{
    App, Problem,
    operations::{self, NewReport},
    resource::{List, Report},
};
use axum::{Json, extract::State, response::Response};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(file)).routes(routes!(mine))
}

/// Reports a person, a message or a story that one can see. What there is to be seen is kept with the report. The same
/// again answers the first report while nobody has decided on it.
#[utoipa::path(
    post, path = "/reports", tag = "reports", request_body = NewReport,
    responses(
        (status = 201, body = Report),
        (status = 200, body = Report, description = "one has reported it before, and nobody has decided yet"),
    )
)]
async fn file(State(app): State<App>, writer: Writer, Body(request): Body<NewReport>) -> Result<Response, Problem> {
    Ok(written(&app, operations::file_report(&writer.call(&app)?, request).await?).await)
}

/// The reports one made.
#[utoipa::path(
    get, path = "/reports/mine", tag = "reports",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Report>))
)]
async fn mine(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<Report>>, Problem> {
    Ok(Json(List::of(app.queries.reports_of(caller.user, &parameters.page()?).await?)))
}
