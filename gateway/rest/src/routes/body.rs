//! The body of a request.

use crate::HttpApp;
use axum::{
    body::{Bytes, HttpBody as _},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use operations::App;
use protocol::{
    Problem,
    request::{self, Document, Parse, parse, quoted},
};
use serde_json::{Map, Value};

/// The largest body, in bytes.
pub(super) const LIMIT: usize = 64 * 1024;

/// A request read from a JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: Parse> FromRequest<HttpApp> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &HttpApp) -> Result<Self, Problem> {
        parse(&json(&bytes(request, app).await?)?).map(Self)
    }
}

/// The body, whole.
async fn bytes(request: Request, app: &App) -> Result<Bytes, Problem> {
    plain(request.headers())?;
    if !is_json(request.headers()) {
        let detail = "the body must be application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    let body = tokio::time::timeout(app.config.patience, Bytes::from_request(request, app)).await;
    let body = body.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body took too long"))?;
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let detail = format!("a body has at most {LIMIT} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
        }
        _ => Problem::malformed("the body broke off"),
    })
}

/// A request read from a JSON body that may be absent: it is then one without fields.
pub(super) struct OptionalBody<T>(pub(super) T);

impl<T: Parse> FromRequest<HttpApp> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &HttpApp) -> Result<Self, Problem> {
        let body = match request.body().is_end_stream() {
            true => Bytes::new(),
            false => bytes(request, app).await?,
        };
        let value = if body.is_empty() { Value::Object(Map::new()) } else { json(&body)? };
        parse(&value).map(Self)
    }
}

/// Refuses a body that is compressed.
pub(super) fn plain(headers: &HeaderMap) -> Result<(), Problem> {
    let coded = |coding: &&str| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity");
    let codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let mut codings = codings.flat_map(|value| value.to_str().unwrap_or("?").split(',').map(str::trim));
    match codings.find(coded) {
        Some(coding) => {
            let detail = format!("the body comes with the Content-Encoding {}: send it without", quoted(coding));
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
        }
        None => Ok(()),
    }
}

/// Absent counts as JSON: there is nothing else it could be.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Stands before a text to say in which order its bytes come; UTF-8 has but one.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn json(body: &[u8]) -> Result<Value, Problem> {
    if body.starts_with(BYTE_ORDER_MARK) {
        return Err(Problem::malformed("the body begins with a byte order mark: send UTF-8 without one"));
    }
    let text = std::str::from_utf8(body).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
    if text.trim_ascii().is_empty() {
        return Err(Problem::malformed("the body is empty: this takes a JSON object"));
    }
    let read = request::document(text);
    let Document { value, repeated } = read.map_err(|error| Problem::malformed(format!("the body {error}")))?;
    match repeated {
        Some(name) => Err(Problem::repeated(&name)),
        None => Ok(value),
    }
}
