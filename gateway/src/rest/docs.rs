//! The documents: OpenAPI from the routes, AsyncAPI from the frames, and an explorer for people.

use super::POSITION;
use crate::{
    App, asyncapi,
    problem::{PROBLEM_JSON, Problem},
};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderName, header},
    response::IntoResponse,
};
use serde_json::{Value, json};
use std::sync::LazyLock;
use utoipa::{
    OpenApi,
    openapi::{
        Components, Content, Header, HttpMethod, Object, OpenApi as Document, PathItem, Ref, Response, ResponseBuilder,
        SecurityRequirement, Type,
        path::{Operation, ParameterBuilder, ParameterIn},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

const JSON: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];
const BEARER: &str = "bearer";
/// The tag of the routes at which sockets open.
const SOCKETS: &str = "sockets";

/// What stands at the head of the document.
#[derive(OpenApi)]
#[openapi(
    info(title = "ChatChit", description = "A realtime chat server. The sockets are described in /asyncapi.json."),
    components(schemas(Problem))
)]
struct Head;

pub(super) fn head() -> Document {
    Head::openapi()
}

/// The whole document, as it is served.
#[must_use]
pub fn document() -> Document {
    completed(super::documented().split_for_parts().1)
}

// Written once: the one has 300 KiB.
static OPENAPI: LazyLock<Bytes> = LazyLock::new(|| written(&json!(document())));
static ASYNCAPI: LazyLock<Bytes> = LazyLock::new(|| written(&asyncapi::document()));

fn written(document: &Value) -> Bytes {
    serde_json::to_vec(document).unwrap_or_default().into()
}

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(openapi_json)).routes(routes!(asyncapi_json))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "documents", security(()), responses((status = 200, body = Object)))]
async fn openapi_json() -> impl IntoResponse {
    (JSON, OPENAPI.clone())
}

/// The AsyncAPI document of the sockets.
#[utoipa::path(get, path = "/asyncapi.json", tag = "documents", security(()), responses((status = 200, body = Object)))]
async fn asyncapi_json() -> impl IntoResponse {
    (JSON, ASYNCAPI.clone())
}

/// `/api-docs`.
pub(super) fn explorer() -> Router<App> {
    SwaggerUi::new("/api-docs").config(Config::from("/openapi.json")).into()
}

/// What every route answers pages that it does not know.
const FOREIGN: &str = "pages of this origin may not ask";

/// Adds what holds of all routes alike: credentials, headers, and the problems each can answer.
pub(super) fn completed(mut document: Document) -> Document {
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document.components.get_or_insert_with(Components::new).add_security_scheme(BEARER, scheme);
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            complete(method, operation);
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let methods = [
        (HttpMethod::Get, get),
        (HttpMethod::Put, put),
        (HttpMethod::Post, post),
        (HttpMethod::Delete, delete),
        (HttpMethod::Patch, patch),
    ];
    methods.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete(method: HttpMethod, operation: &mut Operation) {
    if operation.tags.iter().flatten().any(|tag| tag == SOCKETS) {
        // What is said over them is no resource.
        operation
            .responses
            .responses
            .entry("500".to_owned())
            .or_insert_with(|| problem("a fault of the server").into());
        operation.responses.responses.entry("503".to_owned()).or_insert_with(|| problem("try again later").into());
        operation.responses.responses.entry("403".to_owned()).or_insert_with(|| problem(FOREIGN).into());
        return;
    }
    let reads = method == HttpMethod::Get;
    let open = operation.security.is_some();
    let (has_body, has_path) = (operation.request_body.is_some(), names_something(operation));
    let mut problems = vec![
        ("500", "a fault of the server"),
        ("503", "try again later"),
        ("429", "too many of these: wait as long as Retry-After says"),
    ];
    if !open {
        operation.security = Some(vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
        problems.push(("403", "not allowed, or the account is blocked"));
    }
    if !open || has_body {
        problems.push(("400", "the request cannot be read"));
        problems.push(("401", "no valid credentials"));
        problems.push(("422", "fields that do not fit, all of them named"));
    }
    if !open && (has_path || has_body) {
        problems.push(("404", "there is no such thing, or the caller may not see it"));
    }
    if has_body {
        problems.push(("403", "not allowed, or the account is blocked"));
        problems.push(("408", "the body took too long"));
        problems.push(("413", "the body is too large"));
        problems.push(("415", "the body is not JSON"));
    }
    if !reads {
        problems.push(("409", "the state does not allow it now, or the key was used for another request"));
        header(operation, "Idempotency-Key", "the same key again answers the first result", Type::String);
        for (status, response) in &mut operation.responses.responses {
            if let (true, utoipa::openapi::RefOr::T(response)) = (status.starts_with('2'), response) {
                tell_position(response);
            }
        }
    } else if !open {
        header(operation, POSITION, "the answer is no older than this position", Type::Integer);
    }
    problems.push(("403", FOREIGN));
    for (status, description) in problems {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem(description).into());
    }
}

fn names_something(operation: &Operation) -> bool {
    operation.parameters.iter().flatten().any(|parameter| parameter.parameter_in == ParameterIn::Path)
}

fn header(operation: &mut Operation, name: &str, description: &str, kind: Type) {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(description))
        .schema(Some(Object::with_type(kind)));
    operation.parameters.get_or_insert_default().push(parameter.build());
}

fn tell_position(response: &mut Response) {
    let mut header = Header::new(Object::with_type(Type::Integer));
    header.description = Some("the position of the change: send it with a read that must show it".to_owned());
    response.headers.insert(POSITION.to_owned(), header);
}

fn problem(description: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build()
}
