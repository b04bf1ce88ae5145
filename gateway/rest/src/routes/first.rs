//! The first page: what this is, how it fares, and where to go on.

use super::{
    all_counted,
    health::state,
    monitoring::{shown, varying, wants_html},
};
use crate::HttpApp;
use axum::{Json, extract::State, http::HeaderMap, response::Response};
use limits::Kind;
use monitoring::page;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Where to go on; the explorer only where there is one.
const LINKS: [(&str, &str, &str); 6] = [
    ("explorer", "API explorer", "/api-docs/"),
    ("openapi", "OpenAPI document of the routes", "/openapi.json"),
    ("asyncapi", "AsyncAPI document of the sockets", "/asyncapi.json"),
    ("dashboard", "Dashboard, for administrators", "/chat/performance/dashboard"),
    ("readiness", "Readiness", "/readyz"),
    ("liveness", "Liveness", "/livez"),
];
const EXPLORER: &str = "explorer";

/// What this is.
#[derive(Serialize, ToSchema)]
struct FirstPage {
    /// `ChatChit`.
    name: &'static str,
    /// The version of the server.
    version: &'static str,
    /// `ok`, `degraded` or `unavailable`, as `/readyz` says.
    status: &'static str,
    /// Where to go on, by name.
    links: BTreeMap<&'static str, &'static str>,
}

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    all_counted(Kind::Public, OpenApiRouter::new().routes(routes!(first)))
}

/// What this is, how it fares, and where to go on. A browser (`Accept: text/html`) gets a page.
#[utoipa::path(
    get, path = "/", operation_id = "getFirstPage", tag = "documents",
    security(()), responses((status = 200, body = FirstPage))
)]
async fn first(State(app): State<HttpApp>, headers: HeaderMap) -> Response {
    let (version, status) = (env!("CARGO_PKG_VERSION"), state(&app).await);
    let links = || LINKS.into_iter().filter(|(key, ..)| *key != EXPLORER || !app.config.production);
    if wants_html(&headers) {
        let links: Vec<_> = links().map(|(_, name, path)| (name, path)).collect();
        return shown(page::first(version, status, &links));
    }
    let links = links().map(|(key, _, path)| (key, path)).collect();
    varying(Json(FirstPage { name: "ChatChit", version, status, links }))
}
