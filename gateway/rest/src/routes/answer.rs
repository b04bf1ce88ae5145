//! How answers become responses.

use super::POSITION;
use axum::{
    Json,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use operations::{Answer, App};

/// What 202 says in the document.
pub(super) const LATER: &str = "it is stored, and not shown: the read models are behind, or the caller may not see it";

/// The response to a write, once the read models show it or a while has passed: so that a GET after it never
/// surprises. It succeeded either way; 202 was waited for already. A write that changed nothing rests on events that this node has received.
pub(super) async fn written(app: &App, answer: Answer) -> Response {
    let position = answer.position.unwrap_or_else(|| app.received());
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    if status != StatusCode::ACCEPTED {
        app.shows(position, answer.scope).await;
    }
    let mut response = match status {
        StatusCode::NO_CONTENT => status.into_response(),
        _ => (status, Json(answer.body)).into_response(),
    };
    response.headers_mut().insert(POSITION, HeaderValue::from(position));
    response
}
