//! The parked state of an event, for the audit.

use crate::Projection;
use event_store::Position;
use sql::{Database, query};

/// `waiting`, `given_up`, `unreadable` or `behind` if the projection could not apply the event at a position.
///
/// # Errors
/// If the read models are unavailable.
pub async fn parked_at(
    database: &Database,
    projection: Projection,
    position: Position,
) -> Result<Option<String>, sql::Error> {
    let sql = "SELECT state, retry_at, unreadable FROM parked WHERE projection = $1 AND position = $2";
    let row = database.fetch_optional(query(sql).bind(projection.name()).bind(position)).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(
        match (
            row.get::<String>("state")?.as_str(),
            row.get::<bool>("unreadable")?,
            row.get::<Option<i64>>("retry_at")?,
        ) {
            ("behind", ..) => "behind".to_owned(),
            (_, true, _) => "unreadable".to_owned(),
            (_, _, Some(_)) => "waiting".to_owned(),
            (_, _, None) => "given_up".to_owned(),
        },
    ))
}
