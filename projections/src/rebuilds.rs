//! Which rebuilds were begun by a server, and how far they got: so that every process can tell, and that there is one at
//! a time. No read model: nothing of it follows from the log.

use crate::{Projection, now::now};
use domain::Timestamp;
use sql::{Database, query};

/// A running rebuild of which nothing was heard for so long, in milliseconds, has died with its process.
const SILENCE: i64 = 30_000;

/// The last rebuild of each projection. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Rebuilds {
    database: Database,
}

/// The last rebuild of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildRow {
    /// Of which.
    pub projection: Projection,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// How many events were read so far.
    pub events: u64,
    /// How many there were when it began.
    pub total: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl Rebuilds {
    /// Kept beside these read models.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Notes that a rebuild begins, unless one is running. Answers whether it may begin.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn begin(&self, projection: Projection, total: u64) -> Result<bool, sql::Error> {
        let now = now(self.database.engine());
        let dead = format!(
            "UPDATE rebuilds SET state = 'failed', error = 'its process has died', finished_at = updated_at \
             WHERE state = 'running' AND updated_at < {now} - $1"
        );
        self.database.execute(query(dead).bind(SILENCE)).await?;
        // That one runs at a time is a unique index.
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

    /// Which projection is being rebuilt, as far as anything was heard of it lately.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn running(&self) -> Result<Option<Projection>, sql::Error> {
        let now = now(self.database.engine());
        let sql = format!("SELECT projection FROM rebuilds WHERE state = 'running' AND updated_at >= {now} - $1");
        let row = self.database.fetch_optional(query(sql).bind(SILENCE)).await?;
        Ok(row.map(|row| row.get::<String>(0)).transpose()?.and_then(|name| name.parse().ok()))
    }

    /// Notes how far it got, and that its process lives.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn report(&self, projection: Projection, events: u64) -> Result<(), sql::Error> {
        let now = now(self.database.engine());
        let sql =
            format!("UPDATE rebuilds SET events = $2, updated_at = {now} WHERE projection = $1 AND state = 'running'");
        self.database.execute(query(sql).bind(projection.name()).bind(events)).await?;
        Ok(())
    }

    /// Notes that it ended, well or with an error.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn end(&self, projection: Projection, events: u64, error: Option<&str>) -> Result<(), sql::Error> {
        let now = now(self.database.engine());
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
    /// When the read models are away.
    pub async fn list(&self) -> Result<Vec<RebuildRow>, sql::Error> {
        let sql = "SELECT projection, state, events, total, error, started_at, finished_at FROM rebuilds";
        let mut rebuilds = Vec::new();
        for row in self.database.fetch_all(query(sql)).await? {
            let Ok(projection) = row.get::<String>(0)?.parse() else { continue };
            rebuilds.push(RebuildRow {
                projection,
                state: row.get(1)?,
                events: row.unsigned(2)?,
                total: row.unsigned(3)?,
                error: row.get(4)?,
                started_at: Timestamp::from_millis(row.get(5)?),
                finished_at: row.get::<Option<i64>>(6)?.map(Timestamp::from_millis),
            });
        }
        Ok(rebuilds)
    }
}
