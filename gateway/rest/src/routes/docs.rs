//! The OpenAPI document, completed from what the routes declare.

mod finished;
#[cfg(test)]
mod tests;

use super::paths::{operations, parameters};
use operations::texts;
use projections::queries::{DEFAULT_LIMIT, MAX_LIMIT};
use protocol::{
    codes::{self, At},
    problem::{PROBLEM_JSON, Problem},
};
use serde_json::{Value, json};
use utoipa::{
    OpenApi,
    openapi::{
        Components, Content, HttpMethod, Object, ObjectBuilder, OpenApi as Document, Ref, RefOr, Response,
        ResponseBuilder, SecurityRequirement, Type,
        path::{Operation, ParameterBuilder, ParameterIn},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

const BEARER: &str = "bearer";
/// The tag of the routes at which sockets open.
const SOCKETS: &str = "sockets";
const KEY: &str = "Idempotency-Key";
const POSITION_HEADER: &str = "X-ChatChit-Position";

/// What stands at the head of the document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "ChatChit",
        description = "A realtime chat server. The sockets are described in /asyncapi.json. Errors are of RFC 9457 \
        (`Problem`); `x-codes` of its `code` lists every code that a program can receive, with its status. A field or parameter \
        that is not known is refused (`unknown_field`, with the known one that is most like it), and so is one that is given \
        twice, and a body where none is taken. `x-budget` of an operation is what it counts as: those of one kind have one \
        budget, at every door. `requestId` of a problem stands in the server's log."
    ),
    components(schemas(Problem))
)]
struct Head;

pub(super) fn head() -> Document {
    Head::openapi()
}

/// The whole document, as it is served.
#[must_use]
pub fn described(document: Document) -> Value {
    finished::finished(json!(completed(document)))
}

/// What a position that comes with a read means.
const NO_OLDER: &str = "the answer shows what happened up to this position where it is about: in the conversation, call or \
                        person that the path names, else everywhere. If that takes too long it is 503 \
                        `read_models_behind`, to be tried again after `Retry-After`";

/// It reads: its question is too long for an address.
const ASKED_BY_POST: &str = "createFileLinks";

/// What every route answers pages that it does not know.
const FOREIGN: &str = "pages of this origin may not ask";

/// What every route answers that is sent what it does not take.
const UNKNOWN: &str = "fields or parameters that do not fit or are not known, all of them named";

/// What every route answers that is sent too large a head.
const TOO_LONG: (&str, &str) = ("414", "the address is too long");
const TOO_LARGE: (&str, &str) = ("431", "there are too many headers, or they are too large");

/// Adds what holds of all routes alike: credentials, headers, and the problems each can answer.
fn completed(mut document: Document) -> Document {
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document.components.get_or_insert_with(Components::new).add_security_scheme(BEARER, scheme);
    codes::tell(&mut document, At::Rest);
    texts::tell(&mut document);
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            complete(method, operation);
        }
    }
    document
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
        for (status, says) in [("403", FOREIGN), TOO_LONG, TOO_LARGE] {
            operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem(says).into());
        }
        return;
    }
    let reads = method == HttpMethod::Get || operation.operation_id.as_deref() == Some(ASKED_BY_POST);
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
    problems.push(("400", "the request cannot be read"));
    problems.extend([("422", UNKNOWN), TOO_LONG, TOO_LARGE]);
    if !open || has_body {
        problems.push(("401", "no valid credentials"));
    }
    bound_limit(operation);
    if has_path || (!open && has_body) {
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
        header(operation, KEY, "the same key again answers the first result", Type::String);
    } else if !open {
        header(operation, POSITION_HEADER, NO_OLDER, Type::Integer);
    }
    problems.push(("403", FOREIGN));
    for (status, description) in problems {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem(description).into());
    }
}

/// How many of a list can be wanted.
fn bound_limit(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if parameter.name != "limit" {
            continue;
        }
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(MAX_LIMIT))
            .default(Some(DEFAULT_LIMIT.into()));
        parameter.schema = Some(schema.build().into());
    }
}

fn names_something(operation: &Operation) -> bool {
    parameters(operation).any(|parameter| parameter.parameter_in == ParameterIn::Path)
}

fn header(operation: &mut Operation, name: &str, description: &str, kind: Type) {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(description))
        .schema(Some(Object::with_type(kind)));
    operation.parameters.get_or_insert_default().push(parameter.build().into());
}

fn problem(description: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build()
}
