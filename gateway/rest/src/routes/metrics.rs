//! The metrics of this process, for Prometheus.

use super::all_counted;
use crate::HttpApp;
use axum::{
    extract::{FromRequestParts, State},
    http::{StatusCode, header, request::Parts},
    response::IntoResponse,
};
use limits::Kind;
use monitoring::gather;
use operations::{auth::bearer, connection::client_ip};
use protocol::{Problem, problem::PROBLEM_JSON};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The version of the text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    all_counted(Kind::Public, OpenApiRouter::new().routes(routes!(metrics)))
}

/// Somebody who may read metrics: a request from this machine that nobody forwarded, or one with `METRICS_TOKEN`.
struct Scraper;

impl FromRequestParts<HttpApp> for Scraper {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        let is_forwarded = ["x-forwarded-for", "forwarded"].iter().any(|name| parts.headers.contains_key(*name));
        let is_local = client_ip(parts, &app.config.trusted_proxies).is_some_and(|ip| ip.is_loopback());
        let shown = bearer(&parts.headers);
        match (&app.live.get().metrics_token, shown) {
            (Some(token), Some(shown)) if token.is(shown.as_bytes()) => Ok(Self),
            (_, None) if is_local && !is_forwarded => Ok(Self),
            _ => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "metrics are read on this machine, or with METRICS_TOKEN as bearer token",
            )),
        }
    }
}

/// The metrics of this process, in the text format of Prometheus. They are for this machine, and for who has the token
/// `METRICS_TOKEN`.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics", tag = "monitoring", security((), ("bearer" = [])),
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 401, body = Problem, content_type = PROBLEM_JSON, description = "neither this machine nor the token"),
    )
)]
async fn metrics(State(app): State<HttpApp>, _: Scraper) -> impl IntoResponse {
    gather(&app).await;
    ([(header::CONTENT_TYPE, PROMETHEUS)], app.metrics.render())
}
