//! Messages, for those who watch over the server.

use crate::{
    HttpApp,
    routes::{
        answer::written,
        request::{AsModerator, Id, Writer},
    },
};
use axum::{extract::State, response::Response};
use domain::MessageId;
use operations::App;
use protocol::Problem;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(remove))
}

/// Removes a message for everybody: its tombstone stays. A moderator may remove what was reported, an administrator
/// anything.
#[utoipa::path(
    delete, path = "/admin/messages/{id}", operation_id = "removeMessage", tag = "admin",
    params(("id" = Uuid, Path)), responses((status = 204))
)]
async fn remove(
    State(app): State<App>,
    AsModerator(writer): AsModerator<Writer>,
    Id(message): Id<MessageId>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::remove_message(&writer.request(&app)?, message).await?).await)
}
