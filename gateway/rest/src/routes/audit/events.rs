//! Events of the log, filtered.

use super::{asked::Asked, auditor::Auditor, token::PageToken};
use crate::routes::page::Parameters;
use audit::AuditEvent;
use axum::{Json, extract::State};
use domain::audit::Question;
use event_store::{EventStore, Position, ReadError};
use operations::App;
use projections::{
    audit::Order,
    queries::{DEFAULT_LIMIT, PAGE_BYTES},
};
use protocol::Problem;
use serde::Serialize;
use utoipa::ToSchema;

/// Events that are read at once: of a page that ends by its bytes, no more than these are read in vain.
const PORTION: usize = 32;
/// What an event has beside its texts, in bytes of JSON, about.
const FRAME: usize = 1_024;

/// A page of events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditEvents {
    /// The events, the newest first.
    items: Vec<AuditEvent>,
    /// Send it as `after` to get the next page; null when this is the last. A page may be short, or empty, and still have
    /// a next one: so much was looked at, or is in it, as may be for one.
    next: Option<String>,
    /// All events up to this position were looked at; those after it are on their way into the index.
    indexed_to: Position,
}

/// Events of the log, the newest first: those for which all that is given holds. Reading them is itself recorded.
#[utoipa::path(
    get, path = "/admin/audit/events", operation_id = "listAuditEvents", tag = "audit",
    params(
        ("actor" = Option<Uuid>, Query, description = "who acted"),
        ("type" = Option<String>, Query, description = "such as `message.sent`"),
        ("aggregateType" = Option<String>, Query, description = "such as `message`"),
        ("aggregateId" = Option<Uuid>, Query),
        ("scope" = Option<Uuid>, Query, description = "the conversation; else the pair; else the user"),
        ("correlationId" = Option<Uuid>, Query, description = "the request it came of"),
        ("from" = Option<String>, Query, description = "not before this time (RFC 3339), or position"),
        ("to" = Option<String>, Query, description = "not after this time (RFC 3339), or position"),
        ("fromPosition" = Option<u64>, Query), ("toPosition" = Option<u64>, Query),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = AuditEvents))
)]
pub(super) async fn events(
    State(app): State<App>,
    auditor: Auditor,
    parameters: Parameters,
) -> Result<Json<AuditEvents>, Problem> {
    let Asked { mut filter, words } = Asked::of(&parameters)?;
    let limit = parameters.limit()?.unwrap_or(DEFAULT_LIMIT) as usize;
    let token = PageToken::new(&app.store, auditor.user(), "events", &words);
    let after = parameters.get("after").map(|after| token.read(after)).transpose()?;
    let indexed_to = auditor.indexed(&app).await?;
    auditor.record(&app, Question::Events, words).await?;
    filter.to_position = Some(filter.to_position.map_or(indexed_to, |to| to.min(indexed_to)));
    let found = app.audit.search(&filter, Order::Newest, after, limit).await?;
    let (items, is_cut) = opened(&app.store, &found.positions).await?;
    let last = items.last().map(|last| last.position);
    let next = if is_cut { last } else { found.next };
    Ok(Json(AuditEvents { items, next: next.map(|after| token.write(after)), indexed_to }))
}

/// The events at some positions, in that order, up to about [`PAGE_BYTES`] and one at least; and whether some are left out.
pub(super) async fn opened(store: &EventStore, positions: &[Position]) -> Result<(Vec<AuditEvent>, bool), ReadError> {
    let is_descending = positions.is_sorted_by(|a, b| a > b);
    let (mut items, mut bytes) = (Vec::new(), 0);
    for portion in positions.chunks(PORTION) {
        let mut events = store.read_many(portion).await?;
        if is_descending {
            events.reverse();
        }
        for event in &events {
            bytes += FRAME + event.record.payload.len() + event.record.metadata.len();
            if bytes > PAGE_BYTES && !items.is_empty() {
                return Ok((items, true));
            }
            items.push(AuditEvent::opened(store, event).await?);
        }
    }
    Ok((items, false))
}
