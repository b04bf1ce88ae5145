//! One event, with its causes and effects.

use super::{
    auditor::Auditor,
    explained::{Explained, explain},
};
use crate::routes::request::At;
use axum::{Json, extract::State};
use domain::audit::Question;
use operations::App;
use protocol::Problem;
use std::collections::BTreeMap;

/// An event with its causes and effects: the command and what else it did, the events that led to it and those that came
/// of it, who has passed it, whose markers have. Reading it is itself recorded.
#[utoipa::path(
    get, path = "/admin/audit/events/{position}", operation_id = "getAuditEvent", tag = "audit",
    params(("position" = u64, Path)), responses((status = 200, body = Explained))
)]
pub(super) async fn event(
    State(app): State<App>,
    auditor: Auditor,
    At(position): At,
) -> Result<Json<Explained>, Problem> {
    let indexed_to = auditor.indexed(&app).await?;
    let asked = BTreeMap::from([("position".to_owned(), position.to_string())]);
    auditor.record(&app, Question::Event, asked).await?;
    let event = app.store.read_at(position).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(explain(&app, &event, indexed_to).await?))
}
