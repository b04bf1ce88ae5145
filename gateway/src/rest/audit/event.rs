//! One event, with its causes and effects.

use super::{
    auditor::Auditor,
    explained::{Explained, explain},
};
use crate::{App, Problem};
use axum::{
    Json,
    extract::{Path, State},
};
use domain::audit::Question;
use event_store::Position;
use std::collections::BTreeMap;

/// An event with its causes and effects: the command and what else it did, the events that led to it and those that came
/// of it, who has passed it, whose markers have. Reading it is itself recorded.
#[utoipa::path(
    get, path = "/admin/audit/events/{position}", tag = "audit",
    params(("position" = u64, Path)), responses((status = 200, body = Explained))
)]
pub(super) async fn event(
    State(app): State<App>,
    auditor: Auditor,
    Path(position): Path<String>,
) -> Result<Json<Explained>, Problem> {
    let position: Position = position.parse().map_err(|_| Problem::not_found())?;
    let indexed_to = auditor.indexed(&app).await?;
    let asked = BTreeMap::from([("position".to_owned(), position.to_string())]);
    auditor.record(&app, Question::Event, asked).await?;
    let event = app.store.read_at(position).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(explain(&app, &event, indexed_to).await?))
}
