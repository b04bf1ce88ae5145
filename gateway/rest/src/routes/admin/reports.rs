//! Reports, for moderators.

use crate::{
    HttpApp,
    routes::{
        answer::{LATER, written},
        body::Body,
        page::Parameters,
        request::{AsModerator, Id, Reader, Writer},
    },
};
use axum::{Json, extract::State, response::Response};
use domain::{ReportId, report::ReportStatus};
use operations::{App, NewVerdict};
use protocol::{
    Problem,
    resource::{List, ModeratedReport, Stored},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(decide))
}

/// Reports, the newest first, with what there was to be seen when they were made.
#[utoipa::path(
    get, path = "/admin/reports", operation_id = "listReports", tag = "admin",
    params(
        ("status" = Option<String>, Query, description = "`PENDING`, `RESOLVED` or `REJECTED`; all when absent"),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = List<ModeratedReport>))
)]
async fn list(
    State(app): State<App>,
    _: AsModerator<Reader>,
    parameters: Parameters,
) -> Result<Json<List<ModeratedReport>>, Problem> {
    let statuses = [ReportStatus::Pending, ReportStatus::Resolved, ReportStatus::Rejected];
    let status = parameters.any_of("status", &statuses.map(|status| (status.as_str(), status)))?;
    Ok(Json(List::of(app.queries.reports(status, &parameters.page()?).await?)))
}

/// Decides on a report; nobody does about themselves. Its maker is notified.
#[utoipa::path(
    patch, path = "/admin/reports/{id}", operation_id = "decideReport", tag = "admin",
    params(("id" = Uuid, Path)), request_body = NewVerdict, 
    responses((status = 200, body = ModeratedReport), (status = 202, description = LATER, body = Stored))
)]
async fn decide(
    State(app): State<App>,
    AsModerator(writer): AsModerator<Writer>,
    Id(report): Id<ReportId>,
    Body(request): Body<NewVerdict>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::decide_report(&writer.request(&app)?, report, request).await?).await)
}
