//! REST: routes that decode, call an operation or a query, and encode. Every route stands in the OpenAPI document,
//! because the router is built from it.

mod accounts;
mod admin;
mod answer;
mod audit;
mod body;
mod calls;
mod conversations;
mod docs;
mod files;
mod friends;
mod headers;
mod health;
mod invites;
mod layers;
mod messages;
mod own_account;
mod page;
mod presence;
mod reports;
mod request;
mod search;
mod stats;
mod stories;
mod sync;
mod users;

pub use docs::document;
pub use layers::layered;
pub(crate) use request::{Forwarding, Peer, is_from_proxy};
pub use request::{RequestId, client_ip};

use crate::{App, Problem, config::Role, limits::Kind};
use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
};
use utoipa_axum::router::OpenApiRouter;

/// The position up to which something is known: of a write in its answer, wanted by a read in its request.
pub const POSITION: &str = "x-chatchit-position";

/// All routes of the server, with the document that describes them.
pub fn routes(app: &App) -> Router {
    let routes = match app.config.role {
        Role::Worker => health::routes().into(),
        Role::All | Role::Gateway => doors(app.config.production),
    };
    let routes = routes.fallback(unknown_route).method_not_allowed_fallback(wrong_method);
    layered(routes, app).with_state(app.clone())
}

fn doors(production: bool) -> Router<App> {
    let routes = Router::from(documented());
    if production { routes } else { routes.merge(docs::explorer()) }
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(docs::head())
        .merge(accounts::routes())
        .merge(users::routes())
        .merge(own_account::routes())
        .merge(friends::routes())
        .merge(conversations::routes())
        .merge(invites::routes())
        .merge(messages::routes())
        .merge(search::routes())
        .merge(calls::routes())
        .merge(files::routes())
        .merge(stories::routes())
        .merge(sync::routes())
        .merge(presence::routes())
        .merge(reports::routes())
        .merge(admin::routes())
        .merge(stats::routes())
        .merge(audit::routes())
        .merge(health::routes())
        .merge(docs::routes())
        .merge(crate::ws::routes())
        .merge(crate::sio::routes())
}

async fn unknown_route(State(app): State<App>, request: Request) -> Problem {
    let (parts, _) = request.into_parts();
    let ip = client_ip(&parts, &app.config.trusted_proxies);
    if let Err(problem) = app.limits.admit(Kind::Public, ip, None).await {
        return problem;
    }
    Problem::new(StatusCode::NOT_FOUND, "unknown_route", "there is no such route")
}

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "this route does not take this method")
}
