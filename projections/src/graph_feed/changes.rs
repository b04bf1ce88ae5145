//! The changes that events make to the graph.

use super::{
    gaps,
    settings::{FeedError, GraphFeedSettings},
};
use domain::AggregateType;
use event_store::{OpenError, Position, ReadError, Record, RecordedEvent};
use graph::{Change, Epoch, changes};
use sql::query;
use std::sync::Arc;

/// Events per step.
const PAGE: u32 = 500;

/// The changes of some events.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) changes: Vec<(Position, Change)>,
    /// The first event that this build cannot read.
    pub(super) gap: Option<Position>,
}

/// The changes of events. An event that cannot be opened changes nothing: the projections park it, and the next filling
/// includes its outcome. One that another build may open is recorded as a gap.
pub(super) async fn changes_of(
    settings: &GraphFeedSettings,
    events: &[Arc<RecordedEvent>],
) -> Result<Changes, FeedError> {
    let mut found = Changes::default();
    for event in events.iter().filter(|event| is_relevant(&event.record)) {
        let record = &event.record;
        match settings.store.open_event(event).await {
            Ok(opened) => {
                let changes = changes(opened, record.aggregate_id).into_iter();
                found.changes.extend(changes.map(|change| (record.position, change)));
            }
            Err(error @ OpenError::Read(ReadError::Unavailable(_))) => return Err(error.into()),
            Err(error) if error.is_for_another_build() => {
                tracing::warn!(event.position = record.position, error.cause = %error, "The graph lacks an event until another build applies it");
                gaps::note(settings, record.position).await?;
                found.gap = Some(found.gap.map_or(record.position, |gap| gap.min(record.position)));
            }
            Err(error) => {
                tracing::warn!(event.position = record.position, error.cause = %error, "The graph lacks an event");
            }
        }
    }
    Ok(found)
}

/// Whether an event may change the graph.
pub(super) fn is_relevant(record: &Record) -> bool {
    let aggregate = AggregateType::parse(&record.aggregate_type);
    matches!(aggregate, Some(AggregateType::Friendship | AggregateType::Conversation))
}

/// Applies the gaps of other builds; events that this build cannot read either stay gaps.
pub(super) async fn apply_gaps(settings: &GraphFeedSettings, epoch: &Epoch) -> Result<(), FeedError> {
    let mut after = 0;
    loop {
        let sql = "SELECT position FROM graph_gaps WHERE build <> $1 AND position > $2 ORDER BY position LIMIT $3";
        let asked = query(sql).bind(&*settings.build).bind(after).bind(PAGE);
        let rows = settings.database.fetch_all(asked).await?;
        let positions = rows.iter().map(|row| row.unsigned("position")).collect::<Result<Vec<_>, _>>()?;
        let Some(last) = positions.last() else { return Ok(()) };
        let events = settings.store.read_many(&positions).await?;
        // Those that remain gaps are recorded again, under this build.
        epoch.apply_all(&changes_of(settings, &events).await?.changes).await?;
        let sql = "DELETE FROM graph_gaps WHERE build <> $1 AND position > $2 AND position <= $3";
        settings.database.execute(query(sql).bind(&*settings.build).bind(after).bind(*last)).await?;
        tracing::info!(events = events.len(), "Applied events to the graph that another build could not read");
        after = *last;
    }
}
