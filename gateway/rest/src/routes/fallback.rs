//! Requests that no route answers.

use super::catalogue::Catalogue;
use crate::HttpApp;
use axum::{
    Extension,
    extract::{MatchedPath, Request, State},
    http::StatusCode,
};
use config::Role;
use limits::Kind;
use operations::{App, connection::client_ip};
use protocol::Problem;

/// Answers a path that leads nowhere.
pub(super) async fn unknown_route(
    State(app): State<HttpApp>,
    Extension(catalogue): Extension<Catalogue>,
    request: Request,
) -> Problem {
    // A worker has but few of the routes.
    let meant = if app.config.role == Role::Worker { None } else { catalogue.meant(request.uri().path()) };
    let detail = match meant {
        Some(meant) => format!("there is no such route; did you mean {meant}?"),
        None => "there is no such route".to_owned(),
    };
    let problem = Problem::new(StatusCode::NOT_FOUND, "unknown_route", detail);
    counted(&app, request, problem).await
}

/// Answers a method that the route does not take.
pub(super) async fn wrong_method(
    State(app): State<HttpApp>,
    Extension(catalogue): Extension<Catalogue>,
    request: Request,
) -> Problem {
    let template = request.extensions().get::<MatchedPath>();
    let detail = match template.and_then(|template| catalogue.allowed(template.as_str())) {
        Some(methods) => format!("this route takes {methods}, not {}", request.method()),
        None => "this route does not take this method".to_owned(),
    };
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", detail);
    counted(&app, request, problem).await
}

/// Charges the answer to the budget of requests without an account.
async fn counted(app: &App, request: Request, problem: Problem) -> Problem {
    let (parts, _) = request.into_parts();
    let ip = client_ip(&parts, &app.config.trusted_proxies);
    app.limits.admit(Kind::Public, ip, None).await.err().unwrap_or(problem)
}
