//! The events a person receives: those in their intervals in scopes' audiences, and those about them.

use crate::{EventStore, Feed, Interval, Position, ReadError, RecordedEvent, read::COLUMNS};
use domain::EventType;
use serde_json::json;
use sql::{Engine, query};
use std::sync::Arc;
use uuid::Uuid;

impl EventStore {
    /// The intervals of `user`, from the inbox. One statement.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn intervals(&self, user: Uuid) -> Result<Vec<Interval>, ReadError> {
        let changes = query(
            "SELECT scope, position, CAST(presence AS BIGINT) AS change FROM inbox
             WHERE user_id = $1 AND presence <> 0 ORDER BY scope, position",
        );
        let mut intervals: Vec<Interval> = Vec::new();
        for row in self.database().fetch_all(changes.bind(user)).await? {
            let (scope, position): (Uuid, Position) = (row.get("scope")?, row.unsigned("position")?);
            let open = intervals.last_mut().filter(|last| last.scope == scope && last.until.is_none());
            match (open, row.get::<i64>("change")? > 0) {
                (None, true) => intervals.push(Interval { scope, from: position, until: None }),
                (Some(open), false) => open.until = Some(position),
                // A member joins again, or a person leaves who was no member (a withdrawn request).
                (Some(_), true) | (None, false) => {}
            }
        }
        Ok(intervals)
    }

    /// The events a person catches up on, in position order: scope-wide events within their intervals, and the events about
    /// them (inbox), each once. At least one, unless there is none; fewer than `limit` when they reach `bytes`. One
    /// statement, which reads at most `limit` events of `limit` intervals, and one of each other. Events that are neither
    /// scope-wide nor about the user are excluded by their types.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn feed(&self, feed: &Feed) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        let known = feed.high.min(feed.medium);
        let intervals = feed.intervals.iter().filter_map(|interval| {
            let from = interval.from.max(known + 1);
            let until = interval.until.unwrap_or(Position::MAX).min(feed.until);
            let until = i64::try_from(until).unwrap_or(i64::MAX);
            let asked = json!({ "s": self.scope_text(interval.scope), "f": from, "u": until });
            (i64::try_from(from).is_ok_and(|from| from <= until)).then_some(asked)
        });
        let intervals = intervals.collect::<serde_json::Value>().to_string();
        let statement = query(self.feed_statement())
            .bind(feed.user)
            .bind(intervals)
            .bind(feed.high)
            .bind(feed.medium)
            .bind(known)
            .bind(feed.until)
            .bind(feed.limit)
            .bind(feed.bytes);
        self.events(statement).await
    }

    /// Selects the first `limit` events, merged by position. Of each interval the first event is looked up by its index; the
    /// page is within the `limit` intervals that begin first, so only these are read further. Events beyond `bytes` are left
    /// for the next page.
    fn feed_statement(&self) -> String {
        let named = EventType::all().filter(|one| !one.is_scope_wide());
        let named = named.map(|one| format!("'{}'", one.name)).collect::<Vec<_>>().join(", ");
        let unknown = "e.position > CASE e.tier WHEN 0 THEN $3 ELSE $4 END";
        let within = |scope: &str, from: &str, until: &str, limit: &str| {
            format!(
                "SELECT e.position FROM events e
                 WHERE e.scope = {scope} AND e.position BETWEEN {from} AND {until} AND {unknown}
                   AND e.event_type NOT IN ({named})
                 ORDER BY e.position LIMIT {limit}"
            )
        };
        // Both engines read each interval separately; SQLite, which has no LATERAL, through a JSON array.
        let (asked, further) = match self.database().engine() {
            Engine::Sqlite => (
                "SELECT unhex(value ->> 's') AS s, value ->> 'f' AS f, value ->> 'u' AS u FROM json_each($2)"
                    .to_owned(),
                format!(
                    "SELECT p.value AS position FROM near n,
                     json_each((SELECT json_group_array(position) FROM ({}))) p",
                    within("n.s", "n.first", "n.u", "$7")
                ),
            ),
            Engine::Postgres => (
                "SELECT * FROM json_to_recordset(CAST($2 AS json)) AS i (s uuid, f bigint, u bigint)".to_owned(),
                format!(
                    "SELECT p.position FROM near n CROSS JOIN LATERAL ({}) p",
                    within("n.s", "n.first", "n.u", "$7")
                ),
            ),
        };
        let first = within("i.s", "i.f", "i.u", "1");
        let size = match self.database().engine() {
            Engine::Sqlite => "LENGTH(e.payload)",
            Engine::Postgres => "OCTET_LENGTH(CAST(e.payload AS TEXT))",
        };
        format!(
            "WITH heads AS (SELECT i.s, i.u, ({first}) AS first FROM ({asked}) AS i),
             near AS (SELECT s, u, first FROM heads WHERE first IS NOT NULL ORDER BY first LIMIT $7),
             page AS (SELECT position FROM (
                SELECT position FROM ({further}) AS scope_wide
                UNION
                SELECT position FROM (
                    SELECT e.position FROM inbox b JOIN events e ON e.position = b.position
                    WHERE b.user_id = $1 AND b.position > $5 AND b.position <= $6 AND {unknown}
                    ORDER BY b.position LIMIT $7) AS about) AS merged
                ORDER BY position LIMIT $7),
             sized AS (SELECT e.position, SUM({size}) OVER (ORDER BY e.position) - {size} AS before
                FROM page JOIN events e ON e.position = page.position)
             SELECT {COLUMNS} FROM sized JOIN events e ON e.position = sized.position
             WHERE sized.before < $8 ORDER BY e.position"
        )
    }

    /// A scope in the JSON of the feed's statement.
    fn scope_text(&self, scope: Uuid) -> String {
        match self.database().engine() {
            Engine::Sqlite => scope.simple().to_string(),
            Engine::Postgres => scope.to_string(),
        }
    }
}
