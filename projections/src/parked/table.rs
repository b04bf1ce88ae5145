//! The table of parked events, as workers use it.

use super::{
    back_off::BackOff,
    event::{COLUMNS, ParkedId},
};
use crate::Projection;
use domain::{Partition, Timestamp};
use event_store::Record;
use sql::{Database, Row, Transaction, Value, placeholders, query};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A stream of the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stream {
    aggregate_type: String,
    aggregate_id: Uuid,
}

impl Stream {
    pub(crate) const fn new(aggregate_type: String, aggregate_id: Uuid) -> Self {
        Self { aggregate_type, aggregate_id }
    }

    pub(crate) fn of(record: &Record) -> Self {
        Self::new(record.aggregate_type.clone(), record.aggregate_id)
    }
}

/// The streams with parked events.
pub(crate) async fn streams(database: &Database) -> Result<BTreeSet<(Projection, Stream)>, sql::Error> {
    let mut streams = BTreeSet::new();
    for row in database.fetch_all(query("SELECT DISTINCT projection, aggregate_type, aggregate_id FROM parked")).await?
    {
        if let Ok(projection) = row.get::<String>("projection")?.parse() {
            streams.insert((projection, Stream::new(row.get("aggregate_type")?, row.get("aggregate_id")?)));
        }
    }
    Ok(streams)
}

/// The condition that a failed event is due, and the values of its two placeholders from `$first` on. A time beyond
/// the longest pause was set by a clock ahead of this one.
pub(crate) fn is_due(first: usize, now: Timestamp, back_off: &BackOff) -> (String, [i64; 2]) {
    let longest = back_off.iter().max().map_or(0, |pause| i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
    let sql = format!("(retry_at <= ${first} OR retry_at > ${})", first + 1);
    (sql, [now.millis(), now.millis().saturating_add(longest)])
}

/// At most `limit` failed events of these partitions that are due, longest due first.
pub(crate) async fn due(
    database: &Database,
    partitions: &[Partition],
    (now, back_off): (Timestamp, &BackOff),
    limit: usize,
) -> Result<Vec<(ParkedId, Partition)>, sql::Error> {
    let (is_due, times) = is_due(1, now, back_off);
    let marks = placeholders(3, partitions.len());
    let sql = format!(
        "SELECT projection, position, partition FROM parked WHERE {is_due} AND partition IN ({marks}) \
         ORDER BY retry_at LIMIT {limit}"
    );
    let asked = query(sql).bind_all(times).bind_all(partitions.iter().map(|partition| partition.0));
    named(&database.fetch_all(asked).await?)
}

/// At most `limit` failed events of these partitions that another build tried last, in order, after `after`, which
/// need not exist.
pub(crate) async fn of_other_builds(
    database: &Database,
    partitions: &[Partition],
    build: &str,
    after: Option<ParkedId>,
    limit: usize,
) -> Result<Vec<(ParkedId, Partition)>, sql::Error> {
    let (position, projection) = after.map_or((0, ""), |after| (after.position, after.projection.name()));
    let marks = placeholders(4, partitions.len());
    let sql = format!(
        "SELECT projection, position, partition FROM parked WHERE (position, projection) > ($2, $3) \
         AND state = 'poison' AND build <> $1 AND partition IN ({marks}) ORDER BY position, projection LIMIT {limit}"
    );
    let asked = query(sql).bind(build).bind(position).bind(projection);
    named(&database.fetch_all(asked.bind_all(partitions.iter().map(|partition| partition.0))).await?)
}

/// The parked events and partitions in rows, without those of projections unknown to this build.
fn named(rows: &[Row]) -> Result<Vec<(ParkedId, Partition)>, sql::Error> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        if let Ok(projection) = row.get::<String>("projection")?.parse() {
            let partition = Partition(u16::try_from(row.get::<i64>("partition")?).unwrap_or(u16::MAX));
            all.push((ParkedId { projection, position: row.unsigned("position")? }, partition));
        }
    }
    Ok(all)
}

/// Locks the row of the stream's failed event until the transaction ends. Returns whether there is one.
pub(crate) async fn hold(tx: &mut Transaction, projection: Projection, stream: &Stream) -> Result<bool, sql::Error> {
    const OF_STREAM: &str = "projection = $1 AND aggregate_type = $2 AND aggregate_id = $3";
    let of_stream =
        |sql: String| query(sql).bind(projection.name()).bind(stream.aggregate_type.as_str()).bind(stream.aggregate_id);
    loop {
        let hold = format!("UPDATE parked SET attempts = attempts WHERE {OF_STREAM} AND state = 'poison'");
        if tx.execute(of_stream(hold)).await? > 0 {
            return Ok(true);
        }
        // The row was waited for and released. The same transaction may have made another row the failed one, after
        // this statement had chosen its rows.
        let first = format!("SELECT state FROM parked WHERE {OF_STREAM} ORDER BY position LIMIT 1");
        match tx.fetch_optional(of_stream(first)).await? {
            None => return Ok(false),
            Some(row) if row.get::<String>("state")? == "poison" => (),
            // An inconsistent row: later events must queue behind it all the same.
            Some(_) => return Ok(true),
        }
    }
}

/// The failure of the first parked event of a stream.
pub(crate) struct Poison<'e> {
    pub(crate) error: &'e str,
    pub(crate) attempts: u32,
    /// `None`: only another build retries it.
    pub(crate) retry_at: Option<Timestamp>,
    pub(crate) unreadable: bool,
    /// The build that tried it.
    pub(crate) build: &'e str,
}

/// Parks an event: as the failed one of its stream, or behind it.
pub(crate) async fn park(
    tx: &mut Transaction,
    projection: Projection,
    record: &Record,
    poison: Option<Poison<'_>>,
    at: Timestamp,
) -> Result<(), sql::Error> {
    let sql = format!("INSERT INTO parked ({COLUMNS}) VALUES ({})", placeholders(1, 14));
    let state = if poison.is_some() { "poison" } else { "behind" };
    let retry_at = poison.as_ref().and_then(|poison| poison.retry_at).map(Timestamp::millis);
    let (build, unreadable) = poison.as_ref().map_or(("", false), |poison| (poison.build, poison.unreadable));
    let (error, attempts) = poison.map_or(("", 0), |poison| (poison.error, poison.attempts));
    let values: [Value; 14] = [
        projection.name().into(),
        record.position.into(),
        record.aggregate_type.as_str().into(),
        record.aggregate_id.into(),
        record.event_type.as_str().into(),
        state.into(),
        error.into(),
        attempts.into(),
        at.millis().into(),
        record.lane.partition.0.into(),
        0.into(),
        retry_at.into(),
        build.into(),
        unreadable.into(),
    ];
    tx.execute(query(sql).bind_all(values)).await?;
    Ok(())
}
