//! Rebuilds started by servers, and their progress: every process can see them, and one runs at a time. Not a read
//! model: nothing of it follows from the log.

use crate::Projection;
use domain::Timestamp;
use sql::{Database, query};

/// A running rebuild that did not report for this time, in milliseconds, has died with its process.
const SILENCE: i64 = 30_000;

/// The last rebuild of each projection. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Rebuilds {
    database: Database,
}

/// The last rebuild of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildRow {
    pub projection: Projection,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// The events read so far.
    pub events: u64,
    /// The events in the log at the start.
    pub total: u64,
    pub error: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl Rebuilds {
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Records the start of a rebuild, unless one is running. Returns whether it may begin.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn begin(&self, projection: Projection, total: u64) -> Result<bool, sql::Error> {
        let now = self.database.engine().now();
        let dead = format!(
            "UPDATE rebuilds SET state = 'failed', error = 'its process has died', finished_at = updated_at \
             WHERE state = 'running' AND updated_at < {now} - $1"
        );
        self.database.execute(query(dead).bind(SILENCE)).await?;
        // A unique index permits one running rebuild.
        let begin = format!(
            "INSERT INTO rebuilds (projection, state, events, total, started_at, updated_at) \
             VALUES ($1, 'running', 0, $2, {now}, {now}) \
             ON CONFLICT (projection) DO UPDATE SET state = excluded.state, events = 0, total = excluded.total, \
             error = NULL, started_at = excluded.started_at, updated_at = excluded.updated_at, finished_at = NULL \
             WHERE rebuilds.state <> 'running'"
        );
        match self.database.execute(query(begin).bind(projection.name()).bind(total)).await {
            Err(error) if error.is_unique_violation() => Ok(false),
            begun => Ok(begun? > 0),
        }
    }

    /// The projection being rebuilt, if a rebuild has reported recently.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn running(&self) -> Result<Option<Projection>, sql::Error> {
        let now = self.database.engine().now();
        let sql = format!("SELECT projection FROM rebuilds WHERE state = 'running' AND updated_at >= {now} - $1");
        let row = self.database.fetch_optional(query(sql).bind(SILENCE)).await?;
        Ok(row.map(|row| row.get::<String>("projection")).transpose()?.and_then(|name| name.parse().ok()))
    }

    /// Records progress, and that the process is alive.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn report(&self, projection: Projection, events: u64) -> Result<(), sql::Error> {
        let now = self.database.engine().now();
        let sql =
            format!("UPDATE rebuilds SET events = $2, updated_at = {now} WHERE projection = $1 AND state = 'running'");
        self.database.execute(query(sql).bind(projection.name()).bind(events)).await?;
        Ok(())
    }

    /// Records the end, with or without an error.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn end(&self, projection: Projection, events: u64, error: Option<&str>) -> Result<(), sql::Error> {
        let now = self.database.engine().now();
        let sql = format!(
            "UPDATE rebuilds SET state = $2, events = $3, error = $4, updated_at = {now}, finished_at = {now} \
             WHERE projection = $1 AND state = 'running'"
        );
        let state = if error.is_none() { "done" } else { "failed" };
        let ended = query(sql).bind(projection.name()).bind(state).bind(events).bind(error);
        self.database.execute(ended).await?;
        Ok(())
    }

    /// The last rebuild of each projection that had one.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn list(&self) -> Result<Vec<RebuildRow>, sql::Error> {
        let sql = "SELECT projection, state, events, total, error, started_at, finished_at FROM rebuilds";
        let mut rebuilds = Vec::new();
        for row in self.database.fetch_all(query(sql)).await? {
            let Ok(projection) = row.get::<String>("projection")?.parse() else { continue };
            rebuilds.push(RebuildRow {
                projection,
                state: row.get("state")?,
                events: row.unsigned("events")?,
                total: row.unsigned("total")?,
                error: row.get("error")?,
                started_at: Timestamp::from_millis(row.get("started_at")?),
                finished_at: row.get::<Option<i64>>("finished_at")?.map(Timestamp::from_millis),
            });
        }
        Ok(rebuilds)
    }
}
