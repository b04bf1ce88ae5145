//! Searches events; the rows examined for one page are bounded.

use super::{
    AuditIndex,
    filter::{AuditFilter, Order, Plan},
};
use domain::Timestamp;
use event_store::Position;
use queries::MAX_LIMIT;
use sql::{Engine, Query, Value, query};
use std::{fmt::Write as _, ops::RangeInclusive};

/// The positions of a page, in the requested order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    pub positions: Vec<Position>,
    /// The page continues after this position; `None` on the last page. A page may be short or empty and still
    /// continue, as the rows examined are bounded.
    pub next: Option<Position>,
}

impl AuditIndex {
    /// At most `limit` events of a filter, after the position at which the previous page ended. One statement; a second
    /// one for a short page, and two more for times.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn search(
        &self,
        filter: &AuditFilter,
        order: Order,
        after: Option<Position>,
        limit: usize,
    ) -> Result<AuditPage, sql::Error> {
        let Some(range) = self.range(filter, order, after).await? else { return Ok(AuditPage::default()) };
        let plan = Plan::of(filter);
        let statement = self.statement(&plan, order, &range, probed(limit));
        let rows = self.database.fetch_all(statement).await?;
        let mut positions = rows.iter().map(|row| row.unsigned("position")).collect::<Result<Vec<Position>, _>>()?;
        if positions.len() > limit {
            positions.truncate(limit);
            let next = positions.last().copied();
            return Ok(AuditPage { positions, next });
        }
        if plan.residual.is_empty() {
            return Ok(AuditPage { positions, next: None });
        }
        let next = self.scanned(&plan, order, &range).await?;
        Ok(AuditPage { positions, next })
    }

    /// The engine's plan for the first page of a filter.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn explain(&self, filter: &AuditFilter, limit: usize) -> Result<Vec<String>, sql::Error> {
        let Some(range) = self.range(filter, Order::Newest, None).await? else { return Ok(Vec::new()) };
        let (explain, column) = match self.database.engine() {
            Engine::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
            Engine::Postgres => ("EXPLAIN (COSTS OFF)", "QUERY PLAN"),
        };
        let statement = self.statement(&Plan::of(filter), Order::Newest, &range, probed(limit)).prefixed(explain);
        self.database.fetch_all(statement).await?.iter().map(|row| row.get(column)).collect()
    }

    /// The events caused by the events at some positions, in position order.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn caused_by(&self, causes: &[Position], limit: u32) -> Result<Vec<Position>, sql::Error> {
        let Some(last) = causes.last() else { return Ok(Vec::new()) };
        let mut padded = causes.to_vec();
        padded.resize(causes.len().next_power_of_two(), *last);
        let sql = format!(
            "SELECT position FROM audit_events WHERE causation_id IS NOT NULL AND causation_id IN ({}) \
             ORDER BY position LIMIT ${}",
            sql::placeholders(1, padded.len()),
            padded.len() + 1
        );
        let rows = self.database.fetch_all(query(sql).bind_all(padded).bind(limit)).await?;
        rows.iter().map(|row| row.unsigned("position")).collect()
    }

    /// The range of positions that can contain matches; `None` if there are none.
    async fn range(
        &self,
        filter: &AuditFilter,
        order: Order,
        after: Option<Position>,
    ) -> Result<Option<RangeInclusive<Position>>, sql::Error> {
        let (mut from, mut to) = (filter.from_position.unwrap_or(1), filter.to_position.unwrap_or(Position::MAX));
        match (order, after) {
            (Order::Newest, Some(after)) => to = to.min(after.saturating_sub(1)),
            (Order::Oldest, Some(after)) => from = from.max(after.saturating_add(1)),
            (_, None) => {}
        }
        if let Some(time) = filter.from {
            let Some(first) = self.first_since(time).await? else { return Ok(None) };
            from = from.max(first);
        }
        if let Some(time) = filter.to {
            let Some(last) = self.last_until(time).await? else { return Ok(None) };
            to = to.min(last);
        }
        Ok((from <= to).then_some(from..=to))
    }

    /// The first position before which no event is as late as `time`.
    async fn first_since(&self, time: Timestamp) -> Result<Option<Position>, sql::Error> {
        let sql = "SELECT position FROM audit_events WHERE latest_at >= $1 ORDER BY latest_at, position LIMIT 1";
        let row = self.database.fetch_optional(query(sql).bind(time.millis())).await?;
        row.map(|row| row.unsigned("position")).transpose()
    }

    /// The last position after which every event is later than
    /// `time`: no row lies further behind the latest time than `widest`.
    async fn last_until(&self, time: Timestamp) -> Result<Option<Position>, sql::Error> {
        let widest = "SELECT widest FROM audit_events ORDER BY position DESC LIMIT 1";
        let Some(row) = self.database.fetch_optional(query(widest)).await? else { return Ok(None) };
        let until = time.millis().saturating_add(row.get("widest")?);
        let sql =
            "SELECT position FROM audit_events WHERE latest_at <= $1 ORDER BY latest_at DESC, position DESC LIMIT 1";
        let row = self.database.fetch_optional(query(sql).bind(until)).await?;
        row.map(|row| row.unsigned("position")).transpose()
    }

    /// The position at which the examination ended, if there are more rows.
    async fn scanned(
        &self,
        plan: &Plan,
        order: Order,
        range: &RangeInclusive<Position>,
    ) -> Result<Option<Position>, sql::Error> {
        let (inner, values) = self.scan(plan, order, range, "position", u64::from(self.scan));
        let end = match order {
            Order::Newest => "MIN",
            Order::Oldest => "MAX",
        };
        let sql = format!("SELECT COUNT(*) AS looked_at, {end}(position) AS last FROM ({inner}) AS scanned");
        let Some(row) = self.database.fetch_optional(query(sql).bind_all(values)).await? else { return Ok(None) };
        let is_full = row.unsigned("looked_at")? >= u64::from(self.scan);
        Ok(row.get::<Option<i64>>("last")?.filter(|_| is_full).and_then(|position| u64::try_from(position).ok()))
    }

    /// The first positions that match, among the rows examined.
    fn statement(&self, plan: &Plan, order: Order, range: &RangeInclusive<Position>, limit: u64) -> Query {
        if plan.residual.is_empty() {
            let (sql, values) = self.scan(plan, order, range, "position", limit);
            return query(sql).bind_all(values);
        }
        let columns = "position, recorded_at, actor, event_type, aggregate_type, aggregate_id, scope";
        let (inner, mut values) = self.scan(plan, order, range, columns, u64::from(self.scan));
        let mut sql = format!("SELECT position FROM ({inner}) AS scanned WHERE");
        for (n, (column, compare, value)) in plan.residual.iter().enumerate() {
            values.push(value.clone());
            let word = if n == 0 { "" } else { " AND" };
            let _ = write!(sql, "{word} {column} {compare} ${}", values.len());
        }
        // Postgres knows that the rows are in order. SQLite would sort all examined rows before the first; it reads an
        // ordered, limited subquery row by row and stops at the limit.
        if self.database.engine() == Engine::Postgres {
            let _ = write!(sql, " ORDER BY position{}", direction(order));
        }
        let _ = write!(sql, " LIMIT {limit}");
        query(sql).bind_all(values)
    }

    /// The rows that the index yields within the range, at most `limit`.
    fn scan(
        &self,
        plan: &Plan,
        order: Order,
        range: &RangeInclusive<Position>,
        columns: &str,
        limit: u64,
    ) -> (String, Vec<Value>) {
        let mut values: Vec<Value> = vec![(*range.start()).into(), (*range.end()).into()];
        let table = plan.table(self.database.engine());
        let mut sql = format!("SELECT {columns} FROM {table} WHERE");
        for (column, value) in &plan.driving {
            values.push(value.clone());
            let _ = write!(sql, " {column} = ${} AND", values.len());
        }
        let _ = write!(sql, " position BETWEEN $1 AND $2 ORDER BY position{} LIMIT {limit}", direction(order));
        (sql, values)
    }
}

/// The rows to read: one more than a page shows whether there is a next one. A literal in the statement, so that
/// Postgres plans for few rows; of few distinct values, so that prepared statements are reused.
const fn probed(limit: usize) -> u64 {
    let least = MAX_LIMIT as u64;
    1 + if least > limit as u64 { least } else { limit as u64 }
}

const fn direction(order: Order) -> &'static str {
    match order {
        Order::Newest => " DESC",
        Order::Oldest => "",
    }
}
