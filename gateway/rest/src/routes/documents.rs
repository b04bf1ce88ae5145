//! The routes of the documents for machines.

use super::budget::all_counted;
use crate::HttpApp;
use axum::{
    Extension,
    body::Bytes,
    http::{HeaderName, header},
    response::IntoResponse,
};
use limits::Kind;
use serde_json::Value;
use std::sync::{Arc, LazyLock};
use utoipa_axum::{router::OpenApiRouter, routes};

const JSON: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

type Text = LazyLock<Bytes, Box<dyn FnOnce() -> Bytes + Send>>;

/// The texts of the documents, each written when it is first read: one has 300 KiB. Clones share them.
#[derive(Clone)]
pub struct Documents(Arc<Texts>);

struct Texts {
    openapi: Text,
    asyncapi: Text,
}

impl Documents {
    /// The documents that these functions write.
    pub fn new(openapi: fn() -> Value, asyncapi: fn() -> Value) -> Self {
        let text = |document: fn() -> Value| Text::new(Box::new(move || written(&document())));
        Self(Arc::new(Texts { openapi: text(openapi), asyncapi: text(asyncapi) }))
    }
}

fn written(document: &Value) -> Bytes {
    serde_json::to_vec(document).unwrap_or_default().into()
}

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    all_counted(Kind::Public, OpenApiRouter::new().routes(routes!(openapi_json)).routes(routes!(asyncapi_json)))
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getOpenApi", tag = "documents",
    security(()), responses((status = 200, body = Object))
)]
async fn openapi_json(Extension(Documents(texts)): Extension<Documents>) -> impl IntoResponse {
    (JSON, LazyLock::force(&texts.openapi).clone())
}

/// The AsyncAPI document of the sockets.
#[utoipa::path(
    get, path = "/asyncapi.json", operation_id = "getAsyncApi", tag = "documents",
    security(()), responses((status = 200, body = Object))
)]
async fn asyncapi_json(Extension(Documents(texts)): Extension<Documents>) -> impl IntoResponse {
    (JSON, LazyLock::force(&texts.asyncapi).clone())
}
