//! Lists events of the log.

use crate::{
    Outcome,
    arguments::{Filter, Format},
    moment::Moment,
    output::{Output, hex},
    place::Place,
};
use anyhow::Result;
use event_store::{Record, RecordedEvent, Selection};
use serde_json::{Value, json};

const PAGE: u32 = 2_000;

/// Prints those that the filter lets through, in position order.
pub(crate) async fn run(place: &Place, output: &Output, filter: &Filter) -> Result<Outcome> {
    let as_json = output.is_json() || filter.format == Format::Ndjson;
    let mut position = match filter.from {
        Some(Moment::At(from)) => from.saturating_sub(1),
        _ => 0,
    };
    let head = place.store.head().await?.position;
    let end = match filter.to {
        Some(Moment::At(to)) => to.min(head),
        _ => head,
    };
    while position < end {
        let page = place.store.read_after(position, &Selection::All, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.record.position;
        for event in page.iter().filter(|event| event.record.position <= end && lets_through(filter, &event.record)) {
            if as_json {
                output.line(document(place, event, filter.open).await?)?;
            } else {
                output.line(row(place, event, filter.open).await?)?;
            }
        }
    }
    Ok(Outcome::Well)
}

fn lets_through(filter: &Filter, record: &Record) -> bool {
    let is_of =
        |wanted: &String| record.event_type == *wanted || record.event_type.split('.').next() == Some(wanted.as_str());
    (filter.types.is_empty() || filter.types.iter().any(is_of))
        && filter.scope.is_none_or(|scope| record.scope == scope)
        && filter.actor.is_none_or(|actor| record.origin.actor == Some(actor))
        && filter.from.is_none_or(|from| from.is_at_or_before(record))
        && filter.to.is_none_or(|to| to.is_at_or_after(record))
}

/// All that is stored, with the names of the audit API.
async fn document(place: &Place, event: &RecordedEvent, open: bool) -> Result<Value> {
    let record = &event.record;
    Ok(json!({
        "position": record.position,
        "at": record.recorded_at.to_string(),
        "aggregateType": record.aggregate_type,
        "aggregateId": record.aggregate_id,
        "sequence": record.sequence,
        "type": record.event_type,
        "version": record.event_version,
        "scope": record.scope,
        "scopeSeq": record.scope_seq,
        "tier": record.lane.tier.as_str(),
        "partition": record.lane.partition,
        "actorId": record.origin.actor,
        "commandKey": record.command_key,
        "correlationId": record.origin.correlation_id,
        "causationId": record.origin.causation_id,
        "payload": payload(place, event, open).await?,
        "metadata": serde_json::from_str::<Value>(&record.metadata)?,
        "digest": hex(&record.digest),
    }))
}

async fn row(place: &Place, event: &RecordedEvent, open: bool) -> Result<String> {
    let record = &event.record;
    let actor = record.origin.actor.map_or_else(|| "-".to_owned(), |actor| actor.to_string());
    let mut row = format!(
        "{:>10}  {}  {:<22} {:<12} {} #{:<5} {actor}",
        record.position,
        record.recorded_at,
        record.event_type,
        record.aggregate_type,
        record.aggregate_id,
        record.sequence,
    );
    if open {
        row.push_str("  ");
        row.push_str(&payload(place, event, true).await?.to_string());
    }
    Ok(row)
}

async fn payload(place: &Place, event: &RecordedEvent, open: bool) -> Result<Value> {
    if open {
        return Ok(serde_json::to_value(place.store.open_event(event).await?)?);
    }
    Ok(serde_json::from_str(&event.record.payload)?)
}
