//! Answers of operations.

use super::Request;
use axum::http::StatusCode;
use event_store::Receipt;
use projections::queries::QueryError;
use protocol::{
    Problem,
    resource::{OrId, Stored},
};
use serde::Serialize;
use serde_json::Value;
use std::future::Future;
use uuid::Uuid;

/// The answer of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status: 200, 201 or 204.
    pub status: u16,
    /// The resource; an object, or null.
    pub body: Value,
    /// The position of the last event of the command; `None` when it changed nothing.
    pub position: Option<u64>,
    /// The one scope of its events; `None` when it is not known, or they are of several.
    pub scope: Option<Uuid>,
}

impl Answer {
    pub(super) fn with(status: StatusCode, resource: &impl Serialize, receipt: &Receipt) -> Result<Self, Problem> {
        let body = serde_json::to_value(resource).map_err(Problem::internal)?;
        Ok(Self { status: status.as_u16(), body, position: receipt.position, scope: receipt.scope })
    }

    /// A resource that was read; nothing was stored.
    ///
    /// # Errors
    /// When the resource cannot be written as JSON.
    pub fn read(resource: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_value(resource).map_err(Problem::internal)?;
        Ok(Self { status: StatusCode::OK.as_u16(), body, position: None, scope: None })
    }

    /// A signal was sent, and nothing was stored.
    pub(super) fn sent() -> Self {
        Self { status: StatusCode::NO_CONTENT.as_u16(), body: Value::Null, position: None, scope: None }
    }

    pub(super) fn nothing(receipt: &Receipt) -> Self {
        let status = StatusCode::NO_CONTENT.as_u16();
        Self { status, body: Value::Null, position: receipt.position, scope: receipt.scope }
    }
}

impl Request<'_> {
    /// The resource `R` as the read models show it after the command. If they do not show it in time, the answer has its
    /// id alone.
    pub(super) async fn shown<R: Serialize, Row: Into<R>>(
        &self,
        status: StatusCode,
        receipt: &Receipt,
        id: Uuid,
        row: impl Future<Output = Result<Row, QueryError>>,
    ) -> Result<Answer, Problem> {
        if self.is_shown(receipt).await {
            match row.await {
                Ok(row) => return Answer::with(status, &OrId::Shown(row.into()), receipt),
                Err(QueryError::NotFound) => (),
                Err(error) => {
                    tracing::warn!(error.cause = %error, "a resource cannot be read; the answer has its id alone")
                }
            }
        }
        Answer::with(StatusCode::ACCEPTED, &OrId::<R>::Stored(Stored { id }), receipt)
    }
}
