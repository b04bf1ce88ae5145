//! The routes of commands whose request consists of an id in the path and a body.

use super::{
    answer::{LATER, written},
    body::{Body, OptionalBody},
    budget::count,
    request::{Writer, first_id},
};
use crate::HttpApp;
use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request, State},
    http::request::Parts,
    response::Response,
    routing::{MethodFilter, MethodRouter},
};
use operations::{App, Operation, Registry, Route, Target, Visitor};
use protocol::{Described as _, Problem, Schemas, request::parse};
use serde_json::json;
use std::mem;
use utoipa::openapi::{
    Content, HttpMethod, KnownFormat, ObjectBuilder, Ref, Required, ResponseBuilder, SchemaFormat, Type,
    path::{OperationBuilder, ParameterBuilder, ParameterIn, Paths},
    request_body::RequestBodyBuilder,
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use uuid::Uuid;

const UUID: SchemaFormat = SchemaFormat::KnownFormat(KnownFormat::Uuid);

/// The routes that operations declare.
pub(super) fn routes<R: Registry>() -> OpenApiRouter<HttpApp> {
    let mut routes = Routes(OpenApiRouter::new());
    R::visit(&mut routes);
    routes.0
}

struct Routes(OpenApiRouter<HttpApp>);

impl Visitor for Routes {
    fn visit<O: Operation>(&mut self) {
        if let Some(declared) = O::ROUTE {
            self.0 = mem::take(&mut self.0).routes(route::<O>(declared));
        }
    }
}

/// The route of `O` with its handler and its operation in the document.
fn route<O: Operation>(route: Route) -> UtoipaMethodRouter<HttpApp> {
    let mut schemas = Schemas::new();
    O::Body::describe(&mut schemas);
    O::Output::describe(&mut schemas);
    let mut operation = documented::<O>(&route);
    count(&mut operation, O::BUDGET);
    let filter = match route.method {
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Delete => MethodFilter::DELETE,
        _ => MethodFilter::POST,
    };
    let mut paths = Paths::new();
    paths.add_path_operation(route.path, vec![route.method], operation);
    (schemas, paths, MethodRouter::new().on(filter, answer::<O>))
}

async fn answer<O: Operation>(
    State(app): State<App>,
    writer: Writer,
    At(target): At<O::Target>,
    Said(body): Said<O>,
) -> Result<Response, Problem> {
    let answer = operations::run::<O>(target, body, &writer.request(&app)?).await?;
    Ok(written(&app, answer).await)
}

/// The target, from the path.
struct At<T>(T);

impl<T: Target> FromRequestParts<HttpApp> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        if T::FIELD.is_none() {
            return Ok(Self(T::of(Uuid::nil())));
        }
        let path = RawPathParams::from_request_parts(parts, app).await;
        first_id(path).map(|id| Self(T::of(id)))
    }
}

/// The body, if the operation has one.
struct Said<O: Operation>(O::Body);

impl<O: Operation> FromRequest<HttpApp> for Said<O> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &HttpApp) -> Result<Self, Problem> {
        if O::Body::schema_name().is_none() {
            return parse(&json!({})).map(Self);
        }
        if O::ROUTE.is_some_and(|route| route.may_lack_body) {
            return OptionalBody::from_request(request, app).await.map(|OptionalBody(body)| Self(body));
        }
        Body::from_request(request, app).await.map(|Body(body)| Self(body))
    }
}

fn documented<O: Operation>(route: &Route) -> utoipa::openapi::path::Operation {
    let Route { path, id, tag, status, other, may_lack_body, .. } = *route;
    let mut operation = OperationBuilder::new().operation_id(Some(id)).tag(tag).description(Some(O::SUMMARY));
    for parameter in path.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0)) {
        let parameter = ParameterBuilder::new()
            .name(parameter)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(ObjectBuilder::new().schema_type(Type::String).format(Some(UUID))));
        operation = operation.parameter(parameter);
    }
    let json = |name: String| Content::new(Some(Ref::from_schema_name(name)));
    if let Some(body) = O::Body::schema_name() {
        let required = if may_lack_body { Required::False } else { Required::True };
        let body = RequestBodyBuilder::new().content("application/json", json(body)).required(Some(required));
        operation = operation.request_body(Some(body.build()));
    }
    let Some(output) = O::Output::schema_name() else {
        return operation.response("204", ResponseBuilder::new().build()).build();
    };
    for (status, when) in [(status, "")].into_iter().chain(other) {
        let response = ResponseBuilder::new().description(when).content("application/json", json(output.clone()));
        operation = operation.response(status.to_string(), response.build());
    }
    if O::Output::MAY_LAG {
        let stored = json("Stored".to_owned());
        let response = ResponseBuilder::new().description(LATER).content("application/json", stored);
        operation = operation.response("202", response.build());
    }
    operation.build()
}
