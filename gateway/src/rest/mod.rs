//! REST: routes that decode, call an operation or a query, and encode. Every route stands in the OpenAPI document,
//! because the router is built from it.

mod accounts;
mod answer;
mod body;
mod conversations;
mod docs;
mod friends;
mod health;
mod layers;
mod messages;
mod page;
mod request;
mod sync;
mod users;

pub use docs::document;
pub use layers::layered;
pub(crate) use request::Peer;
pub use request::{RequestId, client_ip};

use crate::{App, Problem, config::Role};
use axum::{Router, http::StatusCode};
use utoipa_axum::router::OpenApiRouter;

/// The position up to which something is known: of a write in its answer, wanted by a read in its request.
pub const POSITION: &str = "x-chatchit-position";

/// All routes of the server, with the document that describes them.
#[must_use]
pub fn routes(app: &App) -> Router {
    let open_routes = match app.config.role {
        Role::Worker => health::routes(),
        Role::All | Role::Gateway => documented(),
    };
    let (routes, document) = open_routes.split_for_parts();
    let document = docs::completed(document);
    let mut routes = routes.merge(crate::ws::routes()).merge(docs::routes(&document));
    if !app.config.production {
        routes = routes.merge(docs::explorer(document));
    }
    let routes = routes.fallback(unknown_route).method_not_allowed_fallback(wrong_method);
    layered(routes, app).with_state(app.clone())
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(docs::head())
        .merge(accounts::routes())
        .merge(users::routes())
        .merge(friends::routes())
        .merge(conversations::routes())
        .merge(messages::routes())
        .merge(sync::routes())
        .merge(health::routes())
}

async fn unknown_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_route", "there is no such route")
}

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "this route does not take this method")
}
