//! All routes of the server: those of REST, and those at which sockets open.

use axum::Router;
use config::Role;
use limits::Kind;
use operations::{Operations, Registry};
use rest::{HttpApp, routes as rest_routes};
use serde_json::Value;
use sockets::{SocketApp, asyncapi};
use utoipa_axum::router::OpenApiRouter;

/// The routes of a process of this role, with the operations of `R`.
pub(crate) fn routes<R: Registry>(http: &HttpApp, sockets: SocketApp) -> Router {
    let documented = match http.config.role {
        Role::Worker => rest_routes::of_workers(),
        Role::All | Role::Gateway => rest_routes::documented::<R>().merge(of_sockets().with_state(sockets)),
    };
    let documents = rest_routes::Documents::new(openapi::<R>, asyncapi::document::<R>);
    rest_routes::served(documented, documents, http)
}

/// The OpenAPI document, as it is served.
#[must_use]
pub fn document() -> Value {
    openapi::<Operations>()
}

/// The OpenAPI document of a server with the operations of `R`.
#[must_use]
pub fn openapi<R: Registry>() -> Value {
    let mut openapi = rest_routes::documented::<R>().into_openapi();
    openapi.merge(of_sockets().into_openapi());
    rest_routes::described(openapi)
}

fn of_sockets() -> OpenApiRouter<SocketApp> {
    rest_routes::all_counted(Kind::Connect, sockets::routes())
}

#[cfg(test)]
mod tests;
