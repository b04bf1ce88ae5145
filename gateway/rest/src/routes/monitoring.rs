//! How the installation fares, for administrators; the dashboard's page is for browsers.

use super::request::{AsAdmin, Reader};
use crate::HttpApp;
use axum::{
    Json, Router,
    extract::{FromRequestParts, State},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use limits::Kind;
use monitoring::{
    Dashboard, MetricsOfAll,
    alerts::{Alerts, with_thresholds},
    page,
};
use operations::connection::client_ip;
use protocol::Problem;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The files of the pages, which the document does not describe.
pub(super) const FILES: [&str; 2] = ["/chat/performance/dashboard.js", "/chat/performance/page.css"];

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new().routes(routes!(dashboard)).routes(routes!(metrics)).routes(routes!(alerts))
}

/// The files of the pages.
pub(super) fn files() -> Router<HttpApp> {
    let file = |content_type: &'static str, text: &'static str| {
        get(async move || ([(header::CONTENT_TYPE, content_type)], text))
    };
    let [script, style] = FILES;
    Router::new()
        .route(script, file("text/javascript; charset=utf-8", page::SCRIPT))
        .route(style, file("text/css; charset=utf-8", page::STYLE))
}

/// Who asks for the dashboard: a browser, which gets the page and signs in there, or an administrator.
enum Visitor {
    Browser,
    Administrator,
}

impl FromRequestParts<HttpApp> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        if wants_html(&parts.headers) {
            app.limits.admit(Kind::Public, client_ip(parts, &app.config.trusted_proxies), None).await?;
            return Ok(Self::Browser);
        }
        AsAdmin::<Reader>::from_request_parts(parts, app).await.map(|_| Self::Administrator)
    }
}

/// How the installation fares: rates and latencies of the last minute, lanes, sockets, engines, read models, alerts, and a
/// score. It covers all processes, and says how old the figures of each are. A browser (`Accept: text/html`) gets a page that
/// asks for them, after its reader has signed in.
#[utoipa::path(
    get, path = "/chat/performance/dashboard", operation_id = "getPerformanceDashboard", tag = "monitoring",
    responses((status = 200, body = Dashboard))
)]
async fn dashboard(State(app): State<HttpApp>, visitor: Visitor) -> Result<Response, Problem> {
    Ok(match visitor {
        Visitor::Browser => shown(page::DASHBOARD),
        Visitor::Administrator => varying(Json(app.monitoring.dashboard(&app.app).await?)),
    })
}

/// The metrics of all processes: summed, and of each.
#[utoipa::path(
    get, path = "/chat/performance/metrics", operation_id = "getPerformanceMetrics", tag = "monitoring",
    responses((status = 200, body = MetricsOfAll))
)]
async fn metrics(State(app): State<HttpApp>, _: AsAdmin<Reader>) -> Result<Json<MetricsOfAll>, Problem> {
    let installation = app.monitoring.installation(&app.app).await?;
    Ok(Json(MetricsOfAll::of(&installation, (app.clock)())))
}

/// The alerts in force and those of the last week, and the rules by which they are raised.
#[utoipa::path(
    get, path = "/chat/performance/alerts", operation_id = "getPerformanceAlerts", tag = "monitoring",
    responses((status = 200, body = Alerts))
)]
async fn alerts(State(app): State<HttpApp>, _: AsAdmin<Reader>) -> Result<Json<Alerts>, Problem> {
    let rules = with_thresholds(&app.live.get().alert_thresholds);
    Ok(Json(Alerts::of(app.monitoring.alerts().await?, &rules)))
}

/// Whether a client asks for a page, as browsers do.
pub(super) fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| {
        let (name, weight) = kind.split_once(';').unwrap_or((kind, ""));
        let is_refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()) == Some(0.0_f32);
        name.trim().eq_ignore_ascii_case("text/html") && !is_refused
    })
}

/// A page.
pub(super) fn shown(page: impl Into<axum::body::Body>) -> Response {
    let head = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, page::POLICY)];
    varying((head, page.into()))
}

/// An answer that depends on what is accepted.
pub(super) fn varying(answer: impl IntoResponse) -> Response {
    let mut answer = answer.into_response();
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_ask_for_pages_and_programs_do_not() {
        let wants = |accept: Option<&'static str>| {
            let accept = accept.map(|accept| (header::ACCEPT, HeaderValue::from_static(accept)));
            wants_html(&accept.into_iter().collect())
        };
        for page in
            ["text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json;q=0.5, TEXT/HTML ; q=0.1"]
        {
            assert!(wants(Some(page)), "{page}");
        }
        for other in [None, Some("*/*"), Some("application/json"), Some("text/html;q=0"), Some("text/*")] {
            assert!(!wants(other), "{other:?}");
        }
    }
}
