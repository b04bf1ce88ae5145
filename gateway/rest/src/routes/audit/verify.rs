//! Whether the hash chain holds, by portions.

use super::{
    auditor::Auditor,
    token::{PageToken, bad_token},
};
use crate::routes::page::Parameters;
use axum::{Json, extract::State};
use domain::audit::Question;
use event_store::{ChainFault, Position};
use operations::App;
use protocol::Problem;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Events of a portion; the batch that reaches it is checked to its end.
const PORTION: Position = 10_000;
/// The most faults in an answer.
const LISTED: usize = 100;

/// What checking a portion of the log came to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verified {
    /// The first position that was checked.
    from: Position,
    /// The last one; before `from` when there was none left.
    to: Position,
    /// Whether every digest and every link of the chain is right.
    ok: bool,
    /// The first position that is not as it was written.
    first_bad: Option<Position>,
    /// What is wrong, in words; at most 100.
    faults: Vec<String>,
    /// The last position of the log when it began.
    head: Position,
    /// Send it as `after` to check the next portion; null when this was the last.
    next: Option<String>,
}

/// Computes the digest of each event and the chain over them again, and compares with what is stored: about 10,000 events at
/// a time, from the beginning of the log or from where the portion before ended. Reading it is itself recorded.
#[utoipa::path(
    get, path = "/admin/audit/verify", operation_id = "verifyLog", tag = "audit",
    params(("after" = Option<String>, Query)), responses((status = 200, body = Verified))
)]
pub(super) async fn verify(
    State(app): State<App>,
    auditor: Auditor,
    parameters: Parameters,
) -> Result<Json<Verified>, Problem> {
    let token = PageToken::new(&app.store, auditor.user(), "verify", &BTreeMap::new());
    let after = parameters.get("after").map(|after| token.read(after)).transpose()?.unwrap_or(0);
    let asked = BTreeMap::from([("afterPosition".to_owned(), after.to_string())]);
    auditor.record(&app, Question::Verify, asked).await?;
    let head = app.store.head().await?;
    let mut walk = app.store.walk_chain(after).await?.ok_or_else(bad_token)?;
    let mut faults: Vec<ChainFault> = Vec::new();
    let mut ended = false;
    while !ended && walk.position() < head.position && walk.position() - after < PORTION {
        match walk.next().await? {
            Some(batch) => faults.extend(batch.faults),
            None => ended = true,
        }
    }
    let to = walk.position();
    if ended || to >= head.position {
        ended = true;
        faults.extend(app.store.check_end(&head, to).await?);
    }
    Ok(Json(Verified {
        from: after + 1,
        to,
        ok: faults.is_empty(),
        first_bad: faults.iter().map(ChainFault::position).min(),
        faults: faults.iter().take(LISTED).map(ToString::to_string).collect(),
        head: head.position,
        next: (!ended).then(|| token.write(to)),
    }))
}
