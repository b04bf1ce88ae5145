//! The API explorer at `/api-docs/`.

use crate::HttpApp;
use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use explorer::File;
use flate2::read::GzDecoder;
use protocol::Problem;
use std::io::Read as _;

/// Where its paths begin.
pub(super) const PATH: &str = "/api-docs";

/// Its routes, none of which the document describes.
pub(super) fn routes() -> Router<HttpApp> {
    Router::new()
        .route("/api-docs", get(async || Redirect::permanent("/api-docs/")))
        .route("/api-docs/", get(async |headers: HeaderMap| send("", &headers)))
        .route("/api-docs/{name}", get(async |Path(name): Path<String>, headers: HeaderMap| send(&name, &headers)))
}

fn send(name: &str, headers: &HeaderMap) -> Response {
    let Some(File { content_type, gzip, .. }) = explorer::file(name) else {
        return Problem::new(StatusCode::NOT_FOUND, "unknown_route", "there is no such page").into_response();
    };
    let head = [(header::CONTENT_TYPE, content_type), (header::VARY, "accept-encoding")];
    if accepts_gzip(headers) {
        return (head, [(header::CONTENT_ENCODING, "gzip")], Body::from(gzip)).into_response();
    }
    let mut plain = Vec::new();
    match GzDecoder::new(gzip).read_to_end(&mut plain) {
        Ok(_) => (head, plain).into_response(),
        Err(error) => Problem::internal(error).into_response(),
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()) == Some(0.0_f32);
        matches!(name.trim(), "gzip" | "*") && !is_refused
    })
}
