//! The budgets of routes: declared where a route is mounted, and written into the document.

use super::paths::operations;
use crate::HttpApp;
use axum::http::Method;
use limits::Kind;
use utoipa::openapi::{OpenApi, extensions::Extensions, path::Operation};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

/// The field of an operation in the document.
pub(super) const BUDGET: &str = "x-budget";

/// Charges the operation to this budget, unless it declares one.
pub(super) fn count(operation: &mut Operation, kind: Kind) {
    let extensions = operation.extensions.get_or_insert_with(Extensions::default);
    extensions.entry(BUDGET.to_owned()).or_insert_with(|| kind.name().into());
}

/// The budget of the operation. The default is `Read` for GET, else `Write`.
pub(super) fn counted_as(method: &Method, operation: &Operation) -> Kind {
    let said = operation.extensions.as_ref().and_then(|extensions| extensions.get(BUDGET)?.as_str());
    said.and_then(Kind::named).unwrap_or(if *method == Method::GET { Kind::Read } else { Kind::Write })
}

/// Charges a route to this budget.
pub(super) fn counted(kind: Kind, route: UtoipaMethodRouter<HttpApp>) -> UtoipaMethodRouter<HttpApp> {
    let (schemas, mut paths, methods) = route;
    for (_, operation) in paths.paths.values_mut().flat_map(operations) {
        count(operation, kind);
    }
    (schemas, paths, methods)
}

/// Charges all of these routes to this budget, except those that declare another.
pub fn all_counted<S>(kind: Kind, mut routes: OpenApiRouter<S>) -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let OpenApi { paths, .. } = routes.get_openapi_mut();
    for (_, operation) in paths.paths.values_mut().flat_map(operations) {
        count(operation, kind);
    }
    routes
}
