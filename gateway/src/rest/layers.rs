//! What surrounds every route: the request's id, problems written out, panics caught, origins, and the body's limit.

use super::{
    POSITION,
    body::LIMIT,
    headers::Answered,
    request::{RequestId, client_ip},
};
use crate::{
    App, Problem,
    answers::Underway,
    limits::Kind,
    problem,
    serve::Hangup,
    session::{Origins, check_origin},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, Method, Response, header},
    middleware::{Next, from_fn_with_state},
    response::IntoResponse,
};
use std::{any::Any, time::Duration};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long a browser may remember what an origin may do.
const PREFLIGHT: Duration = Duration::from_secs(3_600);

/// The routes with all that surrounds them.
pub fn layered(routes: Router<App>, app: &App) -> Router<App> {
    routes
        .layer(DefaultBodyLimit::max(LIMIT))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), counted))
        .layer(from_fn_with_state(app.clone(), known_pages))
        .layer(cors(Origins::of(&app.config)))
        .layer(from_fn_with_state(app.clone(), named))
}

/// Counts what needs no account. A probe from this machine always passes: it is how one hears that the server is well.
async fn counted(State(app): State<App>, request: Request, next: Next) -> axum::response::Response {
    let path = request.uri().path();
    let kind = Kind::of_request(request.method(), path);
    if kind != Kind::Public {
        return next.run(request).await;
    }
    let probes = matches!(path, "/livez" | "/readyz");
    let (parts, body) = request.into_parts();
    let ip = client_ip(&parts, &app.config.trusted_proxies);
    if !(probes && ip.is_some_and(|ip| ip.is_loopback()))
        && let Err(problem) = app.limits.admit(kind, ip, None).await
    {
        return problem.into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

/// Gives the request its id, and writes it, and a problem if there is one, into the response.
async fn named(State(app): State<App>, mut request: Request, next: Next) -> axum::response::Response {
    let id = (app.ids)();
    let underway = Underway::default();
    request.extensions_mut().insert(RequestId(id));
    request.extensions_mut().insert(underway.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (parts, body) = request.into_parts();
    let answered = Answered::of(&parts, &app);
    let hangup = parts.extensions.get::<Hangup>().cloned();
    app.forwarding.look(&parts, &app.config.trusted_proxies);
    let request = Request::from_parts(parts, body);
    let mut response = problem::written(next.run(request).await, id);
    answered.write(response.headers_mut());
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    tracing::debug!(request.id = %id, http.method = %method, http.path = path, http.status = response.status().as_u16(), "answered a request");
    app.answers.until_read(response, underway, hangup).await
}

/// Refuses what a page of a foreign origin asks, before anything is looked at. Browsers send simple requests without
/// asking first, and keep no more than the answer from the page.
async fn known_pages(State(app): State<App>, request: Request, next: Next) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    if let Err(problem) = check_origin(&parts, &app.config) {
        let origin = parts.headers.get(header::ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes()));
        tracing::info!(
            http.origin = origin.as_deref(),
            http.path = parts.uri.path(),
            "refused a page of a foreign origin"
        );
        return problem.into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

fn panicked(panic: Box<dyn Any + Send>) -> Response<axum::body::Body> {
    let told = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Problem::internal(told.unwrap_or("a panic")).into_response()
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
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, key, position])
        .expose_headers([HeaderName::from_static(POSITION), REQUEST_ID, header::RETRY_AFTER])
        .max_age(PREFLIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::StatusCode, routing::get};
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
