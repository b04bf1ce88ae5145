//! What moderators and administrators see and do. Who asks is checked first: to everybody else all of it answers 403.

mod accounts;
mod conversations;
mod dashboard;
mod dead_letters;
mod messages;
mod projections;
mod reports;
mod stories;

use crate::HttpApp;
use utoipa_axum::router::OpenApiRouter;

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new()
        .merge(dashboard::routes())
        .merge(accounts::routes())
        .merge(conversations::routes())
        .merge(messages::routes())
        .merge(stories::routes())
        .merge(reports::routes())
        .merge(projections::routes())
        .merge(dead_letters::routes())
}
