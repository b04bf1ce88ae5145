//! All events of a filter as a file, streamed: a page is read when the one before was taken.

use super::{asked::Asked, auditor::Auditor, csv, events::opened};
use crate::routes::page::Parameters;
use audit::AuditEvent;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use domain::audit::Question;
use event_store::Position;
use futures_util::stream::try_unfold;
use operations::App;
use projections::audit::{AuditFilter, Order};
use protocol::Problem;
use std::io;

/// Events of a portion, which ends by its bytes, too.
const PAGE: usize = 500;
/// Up to where the file goes.
const INDEXED_TO: HeaderName = HeaderName::from_static("x-chatchit-indexed-to");

#[derive(Clone, Copy)]
enum Format {
    Ndjson,
    Csv,
}

/// All events of a filter as a file, the oldest first, up to where the index had come when it began
/// (`X-ChatChit-Indexed-To`). Streamed: a file that could not be finished ends without the end of its transfer. Reading
/// them is itself recorded.
#[utoipa::path(
    get, path = "/admin/audit/export", operation_id = "exportAuditEvents", tag = "audit",
    params(
        ("format" = Option<String>, Query, description = "`ndjson` (an AuditEvent a line) or `csv`"),
        ("actor" = Option<Uuid>, Query), ("type" = Option<String>, Query),
        ("aggregateType" = Option<String>, Query), ("aggregateId" = Option<Uuid>, Query),
        ("scope" = Option<Uuid>, Query), ("correlationId" = Option<Uuid>, Query),
        ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("fromPosition" = Option<u64>, Query), ("toPosition" = Option<u64>, Query),
    ),
    responses(
        (status = 200, content((AuditEvent = "application/x-ndjson"), (String = "text/csv")),
         headers(
             ("Content-Disposition" = String),
             ("X-ChatChit-Indexed-To" = u64, description = "the position up to which the file goes"),
         )),
    )
)]
pub(super) async fn export(
    State(app): State<App>,
    auditor: Auditor,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let format = parameters.one_of("format", &[("ndjson", Format::Ndjson), ("csv", Format::Csv)])?;
    let Asked { mut filter, mut words } = Asked::of(&parameters)?;
    let indexed_to = auditor.indexed(&app).await?;
    let (name, kind) = match format {
        Format::Ndjson => ("ndjson", "application/x-ndjson"),
        Format::Csv => ("csv", "text/csv; charset=utf-8; header=present"),
    };
    words.insert("format".to_owned(), name.to_owned());
    auditor.record(&app, Question::Export, words).await?;
    filter.to_position = Some(filter.to_position.map_or(indexed_to, |to| to.min(indexed_to)));
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"audit.{name}\""));
    let line = app.hub.lifeline(&app.commands, auditor.caller(), true).await?;
    let body = Body::from_stream(pages(Export { app, filter, format, next: Some(None) }));
    let mut response = line.bind(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.extend(disposition.ok().map(|value| (header::CONTENT_DISPOSITION, value)));
    headers.insert(INDEXED_TO, HeaderValue::from(indexed_to));
    Ok(response)
}

/// What is left of an export.
struct Export {
    app: App,
    filter: AuditFilter,
    format: Format,
    /// After which position the next page begins (`Some(None)`: the first); `None` after the last.
    next: Option<Option<Position>>,
}

fn pages(export: Export) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    try_unfold(export, |mut export| async move {
        // Pages in which nothing was found are nothing to send.
        while let Some(after) = export.next {
            let mut text = match (after, export.format) {
                (None, Format::Csv) => csv::HEAD.to_owned(),
                _ => String::new(),
            };
            for event in export.page(after).await? {
                match export.format {
                    Format::Ndjson => {
                        text.push_str(&serde_json::to_string(&event)?);
                        text.push('\n');
                    }
                    Format::Csv => text.push_str(&csv::line(&event)),
                }
            }
            if !text.is_empty() {
                return Ok(Some((text.into(), export)));
            }
        }
        Ok(None)
    })
}

impl Export {
    async fn page(&mut self, after: Option<Position>) -> io::Result<Vec<AuditEvent>> {
        let broken = |error: &dyn std::fmt::Display| {
            tracing::warn!(error.cause = %error, "an export ends before its end");
            io::Error::other("the export ends before its end")
        };
        let found = self.app.audit.search(&self.filter, Order::Oldest, after, PAGE).await;
        let found = found.map_err(|error| broken(&error))?;
        let (events, is_cut) = opened(&self.app.store, &found.positions).await.map_err(|error| broken(&error))?;
        let last = events.last().map(|last| last.position);
        self.next = if is_cut { last } else { found.next }.map(Some);
        Ok(events)
    }
}
