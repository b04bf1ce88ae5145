//! Gaps: events that the feeding build could not read, recorded for the next build. Applying them late is safe: each
//! key has the position last applied to it, and relations that ended after the first gap are kept.

use super::settings::{FeedError, GraphFeedSettings};
use event_store::Position;
use sql::query;

/// Records that this build could not read an event.
pub(super) async fn note(settings: &GraphFeedSettings, position: Position) -> Result<(), FeedError> {
    let sql = "INSERT INTO graph_gaps (position, build) VALUES ($1, $2) \
               ON CONFLICT (position) DO UPDATE SET build = excluded.build";
    settings.database.execute(query(sql).bind(position).bind(&*settings.build)).await?;
    Ok(())
}

/// The first gap.
pub(super) async fn first(settings: &GraphFeedSettings) -> Result<Option<Position>, FeedError> {
    let sql = "SELECT position FROM graph_gaps ORDER BY position LIMIT 1";
    let row = settings.database.fetch_optional(query(sql)).await?;
    Ok(row.map(|row| row.unsigned("position")).transpose()?)
}
