//! Lists events of the log.

use crate::{
    arguments::{Filter, Format},
    installation::Installation,
    outcome::Outcome,
    output::Output,
};
use anyhow::Result;
use audit::AuditEvent;
use event_store::{Moment, Position, Record, RecordedEvent, Selection};
use projections::audit::{AuditFilter, AuditIndex, Order};
use std::sync::Arc;

const PAGE: u32 = 2_000;

/// Prints the events that match the filter, in position order. Reads the audit index as far as it is filled and can
/// answer, then the log.
pub(crate) async fn run(installation: &Installation, output: &Output, filter: &Filter) -> Result<Outcome> {
    let mut position = match filter.from {
        Some(Moment::At(from)) => from.saturating_sub(1),
        _ => 0,
    };
    let head = installation.store.head().await?.position;
    let end = match filter.to {
        Some(Moment::At(to)) => to.min(head),
        _ => head,
    };
    if let (Some(asked), Some(read)) = (indexed_filter(filter), installation.read()) {
        let index = AuditIndex::new(read.clone());
        position = by_index(installation, &index, output, filter, asked, position..end).await?;
    }
    while position < end {
        let page = installation.store.read_after(position, &Selection::All, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.record.position;
        print(installation, output, filter, page.iter().filter(|event| event.record.position <= end)).await?;
    }
    Ok(Outcome::Clean)
}

/// The part of the filter that the index can answer.
fn indexed_filter(filter: &Filter) -> Option<AuditFilter> {
    let event_type = match filter.types.as_slice() {
        [one] if one.contains('.') => Some(one.clone()),
        _ => None,
    };
    let asked = AuditFilter { actor: filter.actor, scope: filter.scope, event_type, ..AuditFilter::default() };
    (asked != AuditFilter::default()).then_some(asked)
}

/// Prints the events that the index finds in a range of positions, its start excluded. Returns the last position covered.
async fn by_index(
    installation: &Installation,
    index: &AuditIndex,
    output: &Output,
    filter: &Filter,
    asked: AuditFilter,
    range: std::ops::Range<Position>,
) -> Result<Position> {
    let indexed = index.indexed_to(&installation.store).await?.min(range.end);
    let asked = AuditFilter { from_position: Some(range.start + 1), to_position: Some(indexed), ..asked };
    let mut after = None;
    loop {
        let page = index.search(&asked, Order::Oldest, after, PAGE as usize).await?;
        print(installation, output, filter, installation.store.read_many(&page.positions).await?.iter()).await?;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(indexed.max(range.start)),
        }
    }
}

async fn print<'e>(
    installation: &Installation,
    output: &Output,
    filter: &Filter,
    events: impl Iterator<Item = &'e Arc<RecordedEvent>>,
) -> Result<()> {
    let as_json = output.is_json() || filter.format == Format::Ndjson;
    for event in events.filter(|event| is_wanted(filter, &event.record)) {
        let shown = if filter.open {
            AuditEvent::opened(&installation.store, event).await?
        } else {
            AuditEvent::sealed(&event.record)
        };
        if as_json {
            output.line(serde_json::to_string(&shown)?)?;
        } else {
            output.line(row(&shown, filter.open))?;
        }
    }
    Ok(())
}

fn is_wanted(filter: &Filter, record: &Record) -> bool {
    let is_of =
        |wanted: &String| record.event_type == *wanted || record.event_type.split('.').next() == Some(wanted.as_str());
    (filter.types.is_empty() || filter.types.iter().any(is_of))
        && filter.scope.is_none_or(|scope| record.scope == scope)
        && filter.actor.is_none_or(|actor| record.origin.actor == Some(actor))
        && filter.from.is_none_or(|from| from.is_at_or_before(record))
        && filter.to.is_none_or(|to| to.is_at_or_after(record))
}

/// A line of the table.
fn row(event: &AuditEvent, open: bool) -> String {
    let actor = event.actor_id.map_or_else(|| "-".to_owned(), |actor| actor.to_string());
    let mut row = format!(
        "{:>10}  {}  {:<22} {:<12} {} #{:<5} {actor}",
        event.position, event.at, event.event_type, event.aggregate_type, event.aggregate_id, event.sequence,
    );
    if open {
        row.push_str("  ");
        row.push_str(&event.payload.to_string());
    }
    row
}
