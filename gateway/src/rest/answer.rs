//! How answers become responses.

use super::POSITION;
use crate::{App, Problem, operations::Answer};
use axum::{
    Json,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use projections::{Projection, queries::QueryError};

/// The response to a write, once the read models show it or a while has passed: so that a GET after it never
/// surprises. A write that changed nothing rests on what this node has heard of.
pub(super) async fn written(app: &App, answer: Answer) -> Response {
    let position = answer.position.unwrap_or_else(|| app.hub.marks().high.max(app.hub.marks().medium));
    app.progress.wait(position, &Projection::ALL, app.config.wait).await;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = match status {
        StatusCode::NO_CONTENT => status.into_response(),
        _ => (status, Json(answer.body)).into_response(),
    };
    response.headers_mut().insert(POSITION, HeaderValue::from(position));
    response
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotFound => Self::not_found(),
            QueryError::BadToken => Self::field("after", "malformed", "must be the next of an earlier page"),
            QueryError::Sql(error) => error.into(),
        }
    }
}
