//! Stories, for those who watch over the server.

use crate::{
    HttpApp,
    routes::{
        answer::written,
        request::{AsModerator, Id, Writer},
    },
};
use axum::{extract::State, response::Response};
use domain::StoryId;
use operations::App;
use protocol::Problem;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(remove))
}

/// Takes a story away from everybody. A moderator may take what was reported, an administrator anything.
#[utoipa::path(
    delete, path = "/admin/stories/{id}", operation_id = "removeStory", tag = "admin",
    params(("id" = Uuid, Path)), responses((status = 204))
)]
async fn remove(
    State(app): State<App>,
    AsModerator(writer): AsModerator<Writer>,
    Id(story): Id<StoryId>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::remove_story(&writer.request(&app)?, story).await?).await)
}
