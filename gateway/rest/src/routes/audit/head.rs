//! The signed head of the log.

use super::auditor::Auditor;
use audit::SignedHead;
use axum::{Json, extract::State};
use domain::audit::Question;
use operations::App;
use protocol::Problem;
use std::collections::BTreeMap;

/// The head of the log, signed: keep it elsewhere. `chatchit-replay chain verify --against` compares the log with it
/// later. Reading it is itself recorded, before the head it tells of.
#[utoipa::path(
    get, path = "/admin/audit/head", operation_id = "getSignedHead", tag = "audit",
    responses((status = 200, body = SignedHead))
)]
pub(super) async fn head(State(app): State<App>, auditor: Auditor) -> Result<Json<SignedHead>, Problem> {
    auditor.record(&app, Question::Head, BTreeMap::new()).await?;
    let head = app.store.head().await?;
    Ok(Json(app.heads.sign(app.store.incarnation(), &head, (app.clock)())))
}
