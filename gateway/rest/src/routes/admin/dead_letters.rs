//! Events that could not be applied to a read model, and reactions that could not be done, for administrators.

use crate::{
    HttpApp,
    routes::{
        answer::written,
        page::Parameters,
        request::{AsAdmin, Name, Reader, Writer},
    },
};
use axum::{Json, extract::State, response::Response};
use operations::{
    App,
    upkeep::{Fate, Letter},
};
use protocol::{
    Problem,
    resource::{DeadLetter, List},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(retry)).routes(routes!(discard))
}

/// Events that could not be applied, those behind them, and reactions that could not be done, the oldest first.
#[utoipa::path(
    get, path = "/admin/dead-letters", operation_id = "listDeadLetters", tag = "admin",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<DeadLetter>))
)]
async fn list(
    State(app): State<App>,
    _: AsAdmin<Reader>,
    parameters: Parameters,
) -> Result<Json<List<DeadLetter>>, Problem> {
    Ok(Json(List::of(app.upkeep.dead_letters(&app.queries, &parameters.page()?).await?)))
}

/// Tries an event again, and those behind it; a reaction within seconds. One that fails again stays.
#[utoipa::path(
    post, path = "/admin/dead-letters/{id}/retry", operation_id = "retryDeadLetter", tag = "admin",
    params(("id" = String, Path)), responses((status = 204))
)]
async fn retry(
    State(app): State<App>,
    AsAdmin(writer): AsAdmin<Writer>,
    Name(id): Name<Letter>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::release(&writer.request(&app)?, id, Fate::Retried).await?).await)
}

/// Gives an event up for good, and applies those behind it: the read model then lacks what the event said. Or a reaction:
/// what should have followed does not.
#[utoipa::path(
    post, path = "/admin/dead-letters/{id}/discard", operation_id = "discardDeadLetter", tag = "admin",
    params(("id" = String, Path)), responses((status = 204))
)]
async fn discard(
    State(app): State<App>,
    AsAdmin(writer): AsAdmin<Writer>,
    Name(id): Name<Letter>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::release(&writer.request(&app)?, id, Fate::Discarded).await?).await)
}
