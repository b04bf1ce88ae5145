//! The projections, for administrators.

use crate::{
    HttpApp,
    routes::{
        answer::written,
        request::{AsAdmin, Name, Reader, Writer},
    },
};
use axum::{Json, extract::State, response::Response};
use operations::App;
use projections::Projection;
use protocol::{
    Problem,
    resource::{List, ProjectionState},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(rebuild))
}

/// The projections: how far they have come, and how their last rebuild goes.
#[utoipa::path(
    get, path = "/admin/projections", operation_id = "listProjections", tag = "admin",
    responses((status = 200, body = List<ProjectionState>))
)]
async fn list(State(app): State<App>, _: AsAdmin<Reader>) -> Result<Json<List<ProjectionState>>, Problem> {
    Ok(Json(List::whole(app.upkeep.projections(&app.progress).await?)))
}

/// Begins to rebuild a projection from the log, in the background, and puts the result in its place. One at a time.
#[utoipa::path(
    post, path = "/admin/projections/{name}/rebuild", operation_id = "rebuildProjection", tag = "admin",
    params(("name" = String, Path)), responses((status = 202, body = ProjectionState))
)]
async fn rebuild(
    State(app): State<App>,
    AsAdmin(writer): AsAdmin<Writer>,
    Name(projection): Name<Projection>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::rebuild(&writer.request(&app)?, projection).await?).await)
}
