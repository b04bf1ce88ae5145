//! The body of a request.

use crate::{
    App, Problem,
    request::{Parse, parse},
};
use axum::{
    body::{Bytes, HttpBody as _},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use serde_json::{Map, Value};

/// The largest body, in bytes.
pub(super) const LIMIT: usize = 64 * 1024;

/// A request read from a JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: Parse> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "the body must be application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        let body = tokio::time::timeout(app.config.patience, Bytes::from_request(request, app)).await;
        let body = body.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body took too long"))?;
        let body = body.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let detail = format!("a body has at most {LIMIT} bytes");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
            }
            _ => Problem::malformed("the body broke off"),
        })?;
        parse(&json(&body)?).map(Self)
    }
}

/// A request read from a JSON body that may be absent: it is then one without fields.
pub(super) struct OptionalBody<T>(pub(super) T);

impl<T: Parse> FromRequest<App> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if request.body().is_end_stream() {
            return parse(&Value::Object(Map::new())).map(Self);
        }
        Body::from_request(request, app).await.map(|Body(body)| Self(body))
    }
}

/// Absent counts as JSON: there is nothing else it could be.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn json(body: &[u8]) -> Result<Value, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
    serde_json::from_str(text).map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))
}
