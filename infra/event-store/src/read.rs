//! Reads of events.

use crate::{EventStore, Origin, Position, ReadError, Record, RecordedEvent, Selection, StreamId};
use domain::{Lane, Partition, Tier, Timestamp};
use serde_json::json;
use sql::{Engine, Query, Row, query};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// The columns [`record`] reads, of the table or alias `e`.
pub(crate) const COLUMNS: &str = "e.position AS position, e.aggregate_type AS aggregate_type,
    CAST(e.aggregate_id AS TEXT) AS aggregate_id, e.sequence AS sequence, e.event_type AS event_type,
    e.event_version AS event_version, CAST(e.payload AS TEXT) AS payload, CAST(e.metadata AS TEXT) AS metadata,
    e.scope AS scope, e.scope_seq AS scope_seq, CAST(e.tier AS BIGINT) AS tier, CAST(e.partition AS BIGINT) AS partition,
    e.actor AS actor, e.correlation_id AS correlation_id, e.causation_id AS causation_id, e.command_key AS command_key,
    e.recorded_at AS recorded_at, e.digest AS digest";

impl EventStore {
    /// The scope of a stream's events; `None` when there are none.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn scope_of(&self, stream: StreamId) -> Result<Option<Uuid>, ReadError> {
        let sql = "SELECT scope FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 ORDER BY sequence LIMIT 1";
        let asked = query(sql).bind(stream.aggregate.as_str()).bind(stream.id.to_string());
        Ok(self.database().fetch_optional(asked).await?.map(|row| row.get("scope")).transpose()?)
    }

    /// The events of a stream after `version`, in order.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn load(&self, stream: StreamId, version: u64) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM events e WHERE e.aggregate_type = $1 AND e.aggregate_id = $2 AND e.sequence > $3
             ORDER BY e.sequence"
        );
        let (aggregate, id) = (stream.aggregate.as_str(), stream.id.to_string());
        self.events(query(sql).bind(aggregate).bind(id).bind(version)).await
    }

    /// At most `limit` events of a stream after `version`, in order. From the beginning it is those from the last event in
    /// its snapshot on, if `fold` has one ([`EventStore::snapshot`]).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn load_some(
        &self,
        stream: StreamId,
        version: u64,
        fold: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        let (aggregate, id) = (stream.aggregate.as_str(), stream.id.to_string());
        let after = match fold.filter(|_| version == 0) {
            None => "$3",
            Some(_) => {
                "(SELECT coalesce(max(s.version) - 1, $3) FROM snapshots s
                  WHERE s.aggregate_type = $1 AND s.aggregate_id = $2 AND s.fold = $5)"
            }
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM events e WHERE e.aggregate_type = $1 AND e.aggregate_id = $2 AND e.sequence > {after}
             ORDER BY e.sequence LIMIT $4"
        );
        let events = query(sql).bind(aggregate).bind(id).bind(version).bind(limit);
        let events = match fold.filter(|_| version == 0) {
            None => events,
            Some(fold) => events.bind(fold),
        };
        self.events(events).await
    }

    /// At most `limit` events of several streams, of each those after a version, in one statement; ordered by stream,
    /// then sequence, so that all but the last stream of a full answer, and those before it, are complete. From the
    /// beginning it is those from the last event in a stream's snapshot on, if `fold` has one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn load_some_of_many(
        &self,
        streams: &[(StreamId, u64)],
        fold: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        let asked = self.asked();
        let after = match fold {
            None => "a.v",
            Some(_) => {
                "CASE WHEN a.v > 0 THEN a.v ELSE (SELECT coalesce(max(n.version) - 1, 0) FROM snapshots n
                  WHERE n.aggregate_type = a.t AND n.aggregate_id = a.i AND n.fold = $3) END"
            }
        };
        // The start versions are computed first, so that the index is entered there.
        let sql = format!(
            "WITH s AS MATERIALIZED (SELECT a.t, a.i, {after} AS v FROM ({asked}) a)
             SELECT {COLUMNS} FROM s
             JOIN events e ON e.aggregate_type = s.t AND e.aggregate_id = s.i AND e.sequence > s.v
             ORDER BY e.aggregate_type, e.aggregate_id, e.sequence LIMIT $2"
        );
        let events = query(sql).bind(wanted(streams)).bind(limit);
        self.events(if let Some(fold) = fold { events.bind(fold) } else { events }).await
    }

    /// The events of several streams, each after a sequence and up to another, in one statement; ordered by stream, then
    /// sequence. A stream may occur twice.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn load_between(&self, ranges: &[(StreamId, u64, u64)]) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let asked = self.asked();
        let sql = format!(
            "SELECT {COLUMNS} FROM ({asked}) s
             JOIN events e ON e.aggregate_type = s.t AND e.aggregate_id = s.i AND e.sequence > s.v AND e.sequence <= s.u
             ORDER BY e.aggregate_type, e.aggregate_id, e.sequence"
        );
        let signed = |sequence: u64| i64::try_from(sequence).unwrap_or(i64::MAX);
        let ranges = ranges.iter().map(|(stream, after, until)| {
            json!({ "t": stream.aggregate.as_str(), "i": stream.id, "v": signed(*after), "u": signed(*until) })
        });
        self.events(query(sql).bind(ranges.collect::<serde_json::Value>().to_string())).await
    }

    /// A table of streams and sequences from a JSON parameter.
    fn asked(&self) -> &'static str {
        match self.database().engine() {
            Engine::Sqlite => {
                "SELECT value ->> 't' AS t, value ->> 'i' AS i, value ->> 'v' AS v, value ->> 'u' AS u FROM json_each($1)"
            }
            Engine::Postgres => {
                "SELECT * FROM json_to_recordset(CAST($1 AS json)) AS r (t text, i text, v bigint, u bigint)"
            }
        }
    }

    /// The events of several streams, each up to and including a sequence (`u64::MAX`: all), in one statement;
    /// ordered by stream, then sequence.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn load_many(&self, streams: &[(StreamId, u64)]) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        self.load_each(streams, "e.sequence <= s.v").await
    }

    /// The events of some streams that meet a condition on `e.sequence` and the stream's number `s.v`.
    async fn load_each(&self, streams: &[(StreamId, u64)], which: &str) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        let asked = self.asked();
        let sql = format!(
            "SELECT {COLUMNS} FROM ({asked}) s
             JOIN events e ON e.aggregate_type = s.t AND e.aggregate_id = s.i AND {which}
             ORDER BY e.aggregate_type, e.aggregate_id, e.sequence"
        );
        self.events(query(sql).bind(wanted(streams))).await
    }

    /// The events of several streams, each after a sequence (0: all), in one statement; ordered by stream, then
    /// sequence.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn load_many_after(&self, streams: &[(StreamId, u64)]) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        if streams.is_empty() {
            return Ok(Vec::new());
        }
        self.load_each(streams, "e.sequence > s.v").await
    }

    /// At most `limit` events after `position`, in position order.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read_after(
        &self,
        position: Position,
        selection: &Selection,
        limit: u32,
    ) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        let condition = match selection {
            Selection::All => String::new(),
            Selection::Lane(_) => "AND e.tier = $3 AND e.partition = $4".to_owned(),
            Selection::Tier(_) => "AND e.tier = $3".to_owned(),
            Selection::Partitions(partitions) if partitions.is_empty() => return Ok(Vec::new()),
            Selection::Partitions(partitions) => {
                format!("AND e.partition IN ({})", sql::placeholders(3, partitions.len()))
            }
        };
        let sql =
            format!("SELECT {COLUMNS} FROM events e WHERE e.position > $1 {condition} ORDER BY e.position LIMIT $2");
        let query = query(sql).bind(position).bind(limit);
        let tier = |tier: Tier| i64::from(tier.number());
        let query = match selection {
            Selection::All => query,
            Selection::Lane(lane) => query.bind(tier(lane.tier)).bind(lane.partition.0),
            Selection::Tier(of) => query.bind(tier(*of)),
            Selection::Partitions(partitions) => query.bind_all(partitions.iter().copied()),
        };
        self.events(query).await
    }

    /// The event at a position.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read_at(&self, position: Position) -> Result<Option<Arc<RecordedEvent>>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM events e WHERE e.position = $1");
        Ok(self.events(query(sql).bind(position)).await?.pop())
    }

    /// The events at some positions, in position order; missing ones are left out. One statement.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read_many(&self, positions: &[Position]) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        let padded = padded(positions);
        if padded.is_empty() {
            return Ok(Vec::new());
        }
        let marks = sql::placeholders(1, padded.len());
        let sql = format!("SELECT {COLUMNS} FROM events e WHERE e.position IN ({marks}) ORDER BY e.position");
        self.events(query(sql).bind_all(padded)).await
    }

    /// The digests of the events at some positions; missing ones are left out. One statement.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn digests_at(&self, positions: &[Position]) -> Result<BTreeMap<Position, [u8; 32]>, ReadError> {
        let padded = padded(positions);
        if padded.is_empty() {
            return Ok(BTreeMap::new());
        }
        let marks = sql::placeholders(1, padded.len());
        let asked = query(format!("SELECT position, digest FROM events WHERE position IN ({marks})")).bind_all(padded);
        let mut digests = BTreeMap::new();
        for row in self.database().fetch_all(asked).await? {
            digests.insert(row.unsigned("position")?, digest(&row)?);
        }
        Ok(digests)
    }

    /// The last position and its event's digest, both zero in an empty log; and the digest of the event at `position`,
    /// if there is one. One statement.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn digests(&self, position: Position) -> Result<((Position, [u8; 32]), Option<[u8; 32]>), ReadError> {
        let asked = query(
            "SELECT position, digest FROM events
             WHERE position = $1 OR position = (SELECT MAX(position) FROM events) ORDER BY position",
        );
        let position = position.min(i64::MAX.unsigned_abs());
        let (mut last, mut found) = ((0, [0; 32]), None);
        for row in self.database().fetch_all(asked.bind(position)).await? {
            let at = row.unsigned("position")?;
            let digest = digest(&row)?;
            last = (at, digest);
            found = found.or((at == position).then_some(digest));
        }
        Ok((last, found))
    }

    /// The last `scope_seq` of a scope; 0 without messages.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn scope_seq(&self, scope: Uuid) -> Result<u64, ReadError> {
        let last = query("SELECT scope_seq FROM events WHERE scope = $1 ORDER BY position DESC LIMIT 1").bind(scope);
        let row = self.database().fetch_optional(last).await?;
        Ok(row.map(|row| row.unsigned("scope_seq")).transpose()?.unwrap_or_default())
    }

    /// The rows of a statement that selects [`COLUMNS`].
    pub(crate) async fn events(&self, query: Query) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        let rows = self.database().fetch_all(query).await?;
        rows.iter().map(|row| Ok(Arc::new(RecordedEvent::sealed(record(row)?)))).collect()
    }
}

fn wanted(streams: &[(StreamId, u64)]) -> String {
    let wanted = streams.iter().map(|(stream, version)| {
        let version = i64::try_from(*version).unwrap_or(i64::MAX);
        json!({ "t": stream.aggregate.as_str(), "i": stream.id, "v": version })
    });
    wanted.collect::<serde_json::Value>().to_string()
}

fn record(row: &Row) -> Result<Record, ReadError> {
    let position = row.unsigned("position")?;
    let damaged = |what: &str| ReadError::Damaged(format!("the {what} of event {position} is not one"));
    let tier = u8::try_from(row.unsigned("tier")?).ok().and_then(Tier::from_number).ok_or_else(|| damaged("tier"))?;
    let partition = Partition(u16::try_from(row.unsigned("partition")?).map_err(|_| damaged("partition"))?);
    Ok(Record {
        position,
        aggregate_type: row.get("aggregate_type")?,
        aggregate_id: row.get::<String>("aggregate_id")?.parse().map_err(|_| damaged("aggregate id"))?,
        sequence: row.unsigned("sequence")?,
        event_type: row.get("event_type")?,
        event_version: row.get::<String>("event_version")?.parse().map_err(|_| damaged("version"))?,
        payload: row.get("payload")?,
        metadata: row.get("metadata")?,
        scope: row.get("scope")?,
        scope_seq: row.unsigned("scope_seq")?,
        lane: Lane { tier, partition },
        origin: Origin {
            actor: row.get("actor")?,
            correlation_id: row.get("correlation_id")?,
            causation_id: row.get::<Option<i64>>("causation_id")?.and_then(|position| u64::try_from(position).ok()),
        },
        command_key: row.get("command_key")?,
        recorded_at: Timestamp::from_millis(row.get("recorded_at")?),
        digest: digest(row)?,
    })
}

/// Padded to a power of two, so that there are few statements and prepared ones are reused.
fn padded(positions: &[Position]) -> Vec<Position> {
    let mut padded = positions.to_vec();
    if let Some(last) = positions.last() {
        padded.resize(positions.len().next_power_of_two(), *last);
    }
    padded
}

fn digest(row: &Row) -> Result<[u8; 32], ReadError> {
    let digest = row.get::<Vec<u8>>("digest")?.try_into();
    let position = row.unsigned("position")?;
    digest.map_err(|_| ReadError::Damaged(format!("the digest of event {position} is not one")))
}
