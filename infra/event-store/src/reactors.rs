//! How far the reactors have come, for whoever watches over them: their checkpoints stand beside the events.

use crate::{EventStore, Position, ReadError};
use domain::{Lane, Tier};
use sql::query;
use std::collections::BTreeMap;

impl EventStore {
    /// How far each reactor has come in a lane, by its name; one that has not begun is not there.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn reactor_marks(&self, lane: Lane) -> Result<BTreeMap<String, Position>, ReadError> {
        let column = if lane.tier == Tier::High { "high" } else { "medium" };
        let sql = format!("SELECT reactor, {column} FROM reactor_checkpoints WHERE partition = $1");
        let rows = self.database().fetch_all(query(sql).bind(lane.partition.0)).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.unsigned(1)?))).collect()
    }
}
