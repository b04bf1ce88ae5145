//! The limit: rows of the same shape in the same table, and nothing else.

use super::{Turn, repeat};
use anyhow::Result;
use event_store::{EventStore, Keys, Position, Record, Settings};
use sql::{Database, Location, Value};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

const COLUMNS: &str = "position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
                       metadata, scope, scope_seq, tier, partition, actor, correlation_id, causation_id, command_key, \
                       recorded_at, digest";

pub(crate) struct Bare {
    database: Database,
    sample: Record,
    position: Position,
}

impl Bare {
    pub(crate) async fn open(location: Location, sample: Record) -> Result<Self> {
        let keys = Keys { master: [7; 32] };
        let clock = || domain::Timestamp::from_millis(0);
        let settings = Settings { location: location.clone(), connections: 1, partitions: 16, keys, clock };
        drop(EventStore::open(settings).await?);
        Ok(Self { database: Database::connect(&location, 1).await?, sample, position: 0 })
    }

    /// Inserts batches of so many rows for a time, one after the other.
    pub(crate) async fn turn(&mut self, batch: usize, lasts: Duration) -> Result<Turn> {
        let Self { database, sample, position } = self;
        repeat(lasts, batch, || {
            let rows = rows(*position, batch);
            *position += batch as u64;
            insert(database, sample, rows)
        })
        .await
    }
}

/// The values that differ from row to row.
struct Rows {
    positions: Vec<i64>,
    ids: Vec<Uuid>,
}

fn rows(after: Position, count: usize) -> Rows {
    let after = after as i64;
    Rows {
        positions: (1..=count as i64).map(|n| after + n).collect(),
        ids: (0..count).map(|_| clock::new_id()).collect(),
    }
}

async fn insert(database: &Database, sample: &Record, rows: Rows) -> Result<()> {
    match database {
        Database::Sqlite { .. } => insert_values(database, sample, &rows).await,
        Database::Postgres { pool, .. } => insert_arrays(pool.pool(), sample, &rows).await,
    }
}

async fn insert_arrays(pool: &PgPool, sample: &Record, Rows { positions, ids }: &Rows) -> Result<()> {
    let of = |text: &String| vec![text.clone(); ids.len()];
    let names = ids.iter().map(Uuid::to_string).collect::<Vec<_>>();
    let sql = format!(
        "INSERT INTO events ({COLUMNS}) SELECT position, $2, id, 1, $3, $4, payload::json, metadata::json, $5, \
         position, $6, $7, actor, correlation_id, NULL, command_key, $8, digest \
         FROM UNNEST($1::bigint[], $9::text[], $10::text[], $11::text[], $12::uuid[], $13::uuid[], $14::text[], \
         $15::bytea[]) AS r (position, id, payload, metadata, actor, correlation_id, command_key, digest)"
    );
    let query = sqlx::query(&sql).bind(positions).bind(&sample.aggregate_type).bind(&sample.event_type);
    let query = query.bind(sample.event_version.to_string()).bind(sample.scope);
    let query = query.bind(i16::from(sample.lane.tier.number())).bind(sample.lane.partition.0 as i16);
    let query = query.bind(sample.recorded_at.millis()).bind(&names).bind(of(&sample.payload));
    let query = query.bind(of(&sample.metadata)).bind(ids).bind(ids).bind(&names);
    query.bind(vec![sample.digest.to_vec(); ids.len()]).execute(pool).await?;
    Ok(())
}

async fn insert_values(database: &Database, sample: &Record, Rows { positions, ids }: &Rows) -> Result<()> {
    let row = |(position, id): (&i64, &Uuid)| -> Vec<Value> {
        vec![
            (*position).into(),
            sample.aggregate_type.as_str().into(),
            id.to_string().into(),
            1_i64.into(),
            sample.event_type.as_str().into(),
            sample.event_version.to_string().into(),
            sample.payload.as_str().into(),
            sample.metadata.as_str().into(),
            sample.scope.into(),
            (*position).into(),
            i32::from(sample.lane.tier.number()).into(),
            sample.lane.partition.0.into(),
            (*id).into(),
            (*id).into(),
            Value::Int(None),
            id.to_string().into(),
            sample.recorded_at.millis().into(),
            sample.digest.as_slice().into(),
        ]
    };
    let mut tx = database.begin().await?;
    let head = format!("INSERT INTO events ({COLUMNS}) VALUES");
    tx.insert(&head, positions.iter().zip(ids).map(row).collect(), "").await?;
    Ok(tx.commit().await?)
}
