//! Events that the build which fed the graph could not read: written down, and applied by the next build. That they come
//! late does no harm: every key knows the last position that was applied to it.

use super::{FeedError, GraphFeedSettings, follow::told};
use event_store::Position;
use graph::Epoch;
use sql::query;

/// Events of one step.
const PAGE: u32 = 500;

/// Writes down that this build could not read an event.
pub(super) async fn note(settings: &GraphFeedSettings, position: Position) -> Result<(), FeedError> {
    let sql = "INSERT INTO graph_gaps (position, build) VALUES ($1, $2) \
               ON CONFLICT (position) DO UPDATE SET build = excluded.build";
    settings.database.execute(query(sql).bind(position).bind(&*settings.build)).await?;
    Ok(())
}

/// Applies what other builds could not read; what this one cannot read either stays.
pub(super) async fn fill(settings: &GraphFeedSettings, epoch: &Epoch) -> Result<(), FeedError> {
    let mut after = 0;
    loop {
        let sql = "SELECT position FROM graph_gaps WHERE build <> $1 AND position > $2 ORDER BY position LIMIT $3";
        let asked = query(sql).bind(&*settings.build).bind(after).bind(PAGE);
        let rows = settings.database.fetch_all(asked).await?;
        let positions = rows.iter().map(|row| row.unsigned(0)).collect::<Result<Vec<_>, _>>()?;
        let Some(last) = positions.last() else { return Ok(()) };
        let events = settings.store.read_many(&positions).await?;
        // Those that are still gaps are noted again, under this build.
        epoch.apply_all(&told(settings, &events).await?).await?;
        let sql = "DELETE FROM graph_gaps WHERE build <> $1 AND position > $2 AND position <= $3";
        settings.database.execute(query(sql).bind(&*settings.build).bind(after).bind(*last)).await?;
        tracing::info!(events = events.len(), "The graph was given what another build could not read");
        after = *last;
    }
}
