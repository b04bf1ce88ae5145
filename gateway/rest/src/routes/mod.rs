//! REST: routes that decode, call an operation or a query, and encode. The OpenAPI document has every route, because the
//! router is built from it.

mod accounts;
mod admin;
mod answer;
mod audit;
mod body;
mod budget;
mod calls;
mod catalogue;
mod conversations;
mod docs;
mod documents;
mod explorer;
mod fallback;
mod files;
mod first;
mod friends;
mod head;
mod headers;
mod health;
mod invites;
mod layers;
mod messages;
mod metrics;
mod monitoring;
mod operation;
mod own_account;
mod page;
mod paths;
mod position;
mod presence;
mod reports;
mod request;
mod search;
mod stats;
mod stories;
mod sync;
mod users;

pub use budget::all_counted;
pub use docs::described;
pub use documents::Documents;
pub use position::POSITION;

use crate::HttpApp;
use axum::Router;
use catalogue::Catalogue;
use config::Role;
use fallback::{unknown_route, wrong_method};
use layers::layered;
use limits::Kind;
use operations::Registry;
use utoipa_axum::router::OpenApiRouter;

/// Serves these routes, which the document describes, with all that surrounds a route.
pub fn served(documented: OpenApiRouter<HttpApp>, documents: Documents, app: &HttpApp) -> Router {
    let (routes, document) = documented.split_for_parts();
    let has_explorer = app.config.role != Role::Worker && !app.config.production;
    let routes = if has_explorer { routes.merge(explorer::routes()) } else { routes };
    let routes = if app.config.role == Role::Worker { routes } else { routes.merge(monitoring::files()) };
    let routes = routes.fallback(unknown_route).method_not_allowed_fallback(wrong_method);
    layered(routes, app, Catalogue::of(document.paths), documents).with_state(app.clone())
}

/// The routes of a process without doors.
pub fn of_workers() -> OpenApiRouter<HttpApp> {
    health::routes().merge(metrics::routes())
}

/// The routes of REST, and the head of the document that describes them.
pub fn documented<R: Registry>() -> OpenApiRouter<HttpApp> {
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
        .merge(all_counted(Kind::Admin, admin::routes()))
        .merge(stats::routes())
        .merge(all_counted(Kind::Admin, audit::routes()))
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(monitoring::routes())
        .merge(first::routes())
        .merge(documents::routes())
        .merge(operation::routes::<R>())
}
