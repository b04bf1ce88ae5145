//! Whether a projection could not apply an event.

use crate::Projection;
use event_store::Position;
use sql::{Database, query};

/// `waiting`, `given_up`, `unreadable` or `behind` when the projection could not apply the event at a position.
///
/// # Errors
/// When the read models are away.
pub async fn parked_at(
    database: &Database,
    projection: Projection,
    position: Position,
) -> Result<Option<String>, sql::Error> {
    let sql = "SELECT state, retry_at, unreadable FROM parked WHERE projection = $1 AND position = $2";
    let row = database.fetch_optional(query(sql).bind(projection.name()).bind(position)).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(match (row.get::<String>(0)?.as_str(), row.get::<bool>(2)?, row.get::<Option<i64>>(1)?) {
        ("behind", ..) => "behind".to_owned(),
        (_, true, _) => "unreadable".to_owned(),
        (_, _, Some(_)) => "waiting".to_owned(),
        (_, _, None) => "given_up".to_owned(),
    }))
}
