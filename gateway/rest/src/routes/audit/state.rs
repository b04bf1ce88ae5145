//! Aggregates as they were.

use super::{asked::moment, auditor::Auditor};
use crate::routes::{page::Parameters, request::id_in_path};
use axum::{
    Json,
    extract::{Path, State},
};
use domain::{AggregateType, Timestamp, audit::Question};
use event_store::{Moment, Position, StateAt, StreamId};
use operations::App;
use protocol::Problem;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// An aggregate as it was.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AggregateState {
    /// `message`, `conversation` …
    aggregate_type: &'static str,
    /// The id of the aggregate.
    aggregate_id: Uuid,
    /// The sequence of the last event in it.
    version: u64,
    /// The position of that event.
    position: Position,
    /// When that event was recorded.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The state; what was forgotten is null.
    #[schema(value_type = Object)]
    state: Value,
}

/// An aggregate as it is, or as it was at a time or position: its events up to then, folded. Reading it is itself recorded.
#[utoipa::path(
    get, path = "/admin/audit/{aggregateType}/{id}", operation_id = "getAggregate", tag = "audit",
    params(
        ("aggregateType" = String, Path, description = "such as `message`"), ("id" = Uuid, Path),
        ("at" = Option<String>, Query, description = "a position, or an RFC 3339 time"),
    ),
    responses((status = 200, body = AggregateState))
)]
pub(super) async fn state(
    State(app): State<App>,
    auditor: Auditor,
    Path((aggregate, id)): Path<(String, String)>,
    parameters: Parameters,
) -> Result<Json<AggregateState>, Problem> {
    let aggregate = AggregateType::parse(&aggregate).ok_or_else(Problem::not_found)?;
    let id = id_in_path("id", &id)?;
    let at = moment(&parameters)?;
    auditor.record(&app, Question::State, asked(aggregate, id, at)).await?;
    let found = app.store.state_at(StreamId { aggregate, id }, at).await?.ok_or_else(Problem::not_found)?;
    let StateAt { version, position, at, state, .. } = found;
    let aggregate_type = aggregate.as_str();
    Ok(Json(AggregateState { aggregate_type, aggregate_id: id, version, position, at, state }))
}

/// What is recorded of a question about one aggregate at a moment.
pub(super) fn asked(aggregate: AggregateType, id: Uuid, at: Option<Moment>) -> BTreeMap<String, String> {
    let words = [("aggregateType", Some(aggregate.to_string())), ("aggregateId", Some(id.to_string()))];
    let words = words.into_iter().chain([("at", at.map(|at| at.to_string()))]);
    words.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
