//! What surrounds every route: the request's id, problems written out, bodies that nobody read, panics caught, origins, and
//! the body's limit.

use super::{
    POSITION,
    body::LIMIT,
    catalogue::{Catalogue, understood},
    documents::Documents,
    fallback::unknown_route,
    head::bounded,
    headers::Answered,
};
use crate::{Asker, HttpApp, Underway, lent};
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, Response, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::IntoResponse,
};
use domain::UserId;
use limits::Kind;
use operations::{
    Origins, check_origin,
    connection::{Hangup, RequestId, client_ip},
};
use protocol::{Problem, problem};
use std::{
    any::Any,
    time::{Duration, Instant},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
};
use tracing::Instrument as _;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long a browser may remember what an origin may do.
const PREFLIGHT: Duration = Duration::from_secs(3_600);

/// The routes with all that surrounds them.
pub(super) fn layered(
    routes: Router<HttpApp>,
    app: &HttpApp,
    catalogue: Catalogue,
    documents: Documents,
) -> Router<HttpApp> {
    routes
        .layer(DefaultBodyLimit::max(LIMIT))
        .layer(from_fn_with_state(app.clone(), understood))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), counted))
        .layer(from_fn_with_state(app.clone(), bounded))
        .layer(from_fn_with_state(app.clone(), known_pages))
        .layer(cors(Origins::of(&app.config, &app.live)))
        .layer(from_fn_with_state(app.clone(), asked_for_methods))
        .layer(from_fn_with_state(app.clone(), named))
        .layer(Extension(catalogue))
        .layer(Extension(documents))
}

/// Charges requests that need no account. A probe from this machine always passes, so that health checks work.
async fn counted(
    State(app): State<HttpApp>,
    Extension(catalogue): Extension<Catalogue>,
    request: Request,
    next: Next,
) -> axum::response::Response {
    let template = request.extensions().get::<MatchedPath>();
    if !template.is_some_and(|template| catalogue.is_public(request.method(), template.as_str())) {
        return next.run(request).await;
    }
    let probes = PROBES.contains(&request.uri().path());
    let (parts, body) = request.into_parts();
    let ip = client_ip(&parts, &app.config.trusted_proxies);
    if !(probes && ip.is_some_and(|ip| ip.is_loopback()))
        && let Err(problem) = app.limits.admit(Kind::Public, ip, None).await
    {
        return problem.into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

/// Says which methods a route takes, to who asks without being a browser that asks for a page: the layer within answers
/// all others.
async fn asked_for_methods(
    State(app): State<HttpApp>,
    Extension(catalogue): Extension<Catalogue>,
    request: Request,
    next: Next,
) -> axum::response::Response {
    if request.method() != Method::OPTIONS || request.headers().contains_key(header::ORIGIN) {
        return next.run(request).await;
    }
    match request.extensions().get::<MatchedPath>().map(|template| catalogue.allowed(template.as_str())) {
        Some(Some(methods)) => (StatusCode::NO_CONTENT, [(header::ALLOW, methods)]).into_response(),
        Some(None) => next.run(request).await,
        None => unknown_route(State(app), Extension(catalogue), request).await.into_response(),
    }
}

/// Gives the request its id, and writes it, and a problem if there is one, into the response; and a line into the log.
async fn named(
    State(app): State<HttpApp>,
    Extension(catalogue): Extension<Catalogue>,
    mut request: Request,
    next: Next,
) -> axum::response::Response {
    let (id, began) = ((app.ids)(), Instant::now());
    let (underway, asker) = (Underway::default(), Asker::default());
    request.extensions_mut().insert(RequestId(id));
    request.extensions_mut().insert(underway.clone());
    request.extensions_mut().insert(asker.clone());
    let line = Line::of(&request, &catalogue, id);
    let (parts, body) = request.into_parts();
    let answered = Answered::of(&parts, &app);
    let hangup = parts.extensions.get::<Hangup>().cloned();
    app.forwarding.look(&parts, &app.config.trusted_proxies);
    let is_expecting = parts.headers.contains_key(header::EXPECT);
    let (body, unread) = lent(body);
    let span = traces::span!("http.request", http.method = %line.method, http.route = line.route.as_ref().map(MatchedPath::as_str), request.id = %id);
    let response = next.run(Request::from_parts(parts, body)).instrument(span).await;
    line.write(&response, asker.user(), began.elapsed());
    let mut response = problem::written(response, id);
    if let Some(unread) = unread
        && response.status() != StatusCode::SWITCHING_PROTOCOLS
        && !unread.read(is_expecting).await
    {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answered.write(response.headers_mut());
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    app.answers.until_read(response, underway, hangup).await
}

/// What is logged of a request: nothing of its query, its body or its headers.
struct Line {
    id: Uuid,
    method: Method,
    route: Option<MatchedPath>,
    path: String,
}

/// Requested so often that only a failure gets a line at the default level.
const PROBES: [&str; 3] = ["/livez", "/metrics", "/readyz"];

/// The path of a request for the log.
fn logged(catalogue: &Catalogue, route: Option<&MatchedPath>, path: &str) -> String {
    catalogue.logged(route.map(MatchedPath::as_str), path)
}

impl Line {
    fn of(request: &Request, catalogue: &Catalogue, id: Uuid) -> Self {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let path = logged(catalogue, route.as_ref(), request.uri().path());
        Self { id, method: request.method().clone(), route, path }
    }

    fn write(&self, response: &axum::response::Response, user: Option<UserId>, took: Duration) {
        let problem = response.extensions().get::<Problem>().map(|problem| problem.code);
        let (route, user) = (self.route.as_ref().map(MatchedPath::as_str), user.map(tracing::field::display));
        let status = response.status().as_u16();
        count(&self.method, route, status, took);
        let took = took.as_secs_f64() * 1e3;
        if PROBES.contains(&self.path.as_str()) && response.status().is_success() {
            tracing::debug!(request.id = %self.id, http.path = self.path, http.status = status, "answered a probe");
            return;
        }
        tracing::info!(
            request.id = %self.id,
            http.method = %self.method,
            http.route = route,
            http.path = self.path,
            http.status = status,
            problem.code = problem,
            user.id = user,
            duration.ms = took,
            "answered a request"
        );
    }
}

/// Counts and times an answer. Methods and routes that the server does not have are one each, so that nobody adds series.
fn count(method: &Method, route: Option<&str>, status: u16, took: Duration) {
    let method = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    };
    let route = route.unwrap_or("none").to_owned();
    let labels = [("method", method.to_owned()), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("chatchit_http_requests_total", &labels).increment(1);
    metrics::histogram!("chatchit_http_request_seconds", "method" => method, "route" => route).record(took);
}

/// Refuses what a page of a foreign origin asks, before anything is looked at. Browsers send simple requests without
/// asking first, and keep no more than the answer from the page.
async fn known_pages(
    State(app): State<HttpApp>,
    Extension(catalogue): Extension<Catalogue>,
    request: Request,
    next: Next,
) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    if let Err(problem) = check_origin(&parts, &app.config, &app.live) {
        let path = logged(&catalogue, parts.extensions.get::<MatchedPath>(), parts.uri.path());
        let origin = parts.headers.get(header::ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes()));
        tracing::info!(http.origin = origin.as_deref(), http.path = path, "refused a page of a foreign origin");
        return problem.into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

fn panicked(panic: Box<dyn Any + Send>) -> Response<axum::body::Body> {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Problem::internal(text.unwrap_or("a panic")).into_response()
}

fn cors(origins: Origins) -> CorsLayer {
    let origin = if origins.is_any() {
        AllowOrigin::any()
    } else {
        AllowOrigin::predicate(move |origin, parts| origins.allow(origin, parts))
    };
    let [key, position] = ["idempotency-key", POSITION].map(HeaderName::from_static);
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header::IF_RANGE,
            header::RANGE,
            key,
            position.clone(),
        ])
        .expose_headers([
            header::ACCEPT_RANGES,
            header::CONTENT_DISPOSITION,
            header::CONTENT_RANGE,
            header::ETAG,
            header::RETRY_AFTER,
            REQUEST_ID,
            position,
        ])
        .max_age(PREFLIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, routing::get};
    use tower::ServiceExt;

    async fn broken() -> &'static str {
        panic!("what only the log may tell")
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing() {
        let routes: Router = Router::new().route("/", get(broken)).layer(CatchPanicLayer::custom(panicked));
        let response = routes.oneshot(Request::new(Body::empty())).await.unwrap();
        let problem = response.extensions().get::<Problem>().unwrap();
        assert_eq!((response.status(), problem.code), (StatusCode::INTERNAL_SERVER_ERROR, "internal"));
        assert!(!problem.detail.contains("log"));
    }
}
