//! What an operation answers.

use super::Call;
use crate::Problem;
use axum::http::StatusCode;
use event_store::Receipt;
use projections::queries::QueryError;
use serde::Serialize;
use serde_json::{Value, json};
use std::future::Future;
use uuid::Uuid;

/// What an operation answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status: 200, 201 or 204.
    pub status: u16,
    /// The resource; an object, or null.
    pub body: Value,
    /// The position of the last event of the command; `None` when it changed nothing.
    pub position: Option<u64>,
}

impl Answer {
    pub(super) fn with(status: StatusCode, resource: &impl Serialize, receipt: &Receipt) -> Result<Self, Problem> {
        let body = serde_json::to_value(resource).map_err(Problem::internal)?;
        Ok(Self { status: status.as_u16(), body, position: receipt.position })
    }

    /// It was told, and nothing was stored.
    pub(super) fn told() -> Self {
        Self { status: StatusCode::NO_CONTENT.as_u16(), body: Value::Null, position: None }
    }

    pub(super) fn nothing(receipt: &Receipt) -> Self {
        Self { status: StatusCode::NO_CONTENT.as_u16(), body: Value::Null, position: receipt.position }
    }
}

impl Call<'_> {
    /// The resource `R` as the read models show it after the command. It was stored, whatever they do: when they
    /// do not show it in time, the answer is its id alone.
    pub(super) async fn shown<R: Serialize, Row: Into<R>>(
        &self,
        status: StatusCode,
        receipt: &Receipt,
        id: Uuid,
        row: impl Future<Output = Result<Row, QueryError>>,
    ) -> Result<Answer, Problem> {
        if self.is_shown(receipt).await {
            match row.await {
                Ok(row) => return Answer::with(status, &row.into(), receipt),
                Err(QueryError::NotFound) => (),
                Err(error) => tracing::warn!(error.cause = %error, "an answer goes without its resource"),
            }
        }
        Answer::with(status, &json!({"id": id}), receipt)
    }
}
