//! Checkpoints: how far a projection has come in a partition, moved on by compare-and-set (I14).

use crate::{Error, Projection};
use broker::Marks;
use domain::{Partition, Tier};
use event_store::{EventStore, Position};
use sql::{Database, Engine, Limits, Row, Transaction, Value, query};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};
use uuid::Uuid;

/// How far a projection has come in a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The step's number; the next step has the next one.
    pub number: u64,
    /// The events applied.
    pub marks: Marks,
}

/// The checkpoints of each projection in each partition.
pub(crate) type Checkpoints = BTreeMap<(Projection, Partition), Checkpoint>;

/// The steps kept are fewer than this, per projection and partition.
const KEPT: u64 = 32;
/// How long whoever needs the read models alone waits in one turn, and how many turns it has.
const GATE_TURN: Duration = Duration::from_millis(300);
const GATE_TURNS: u32 = 60;
/// How long one who has them alone may do nothing to them.
const ALONE: Duration = Duration::from_secs(10);
/// Names the advisory lock that keeps a swap and the workers' transactions apart; the second half is the schema.
const GATE: i32 = 0x43_48_41_54;

/// How long tables that are to be emptied are waited for, before those behind are let through, and how often.
const PATIENCE: &str = "500ms";
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(200);
/// Rows that are removed in one go.
const PORTION: u32 = 5_000;

const LATEST: &str = "SELECT c.projection, c.version, c.partition, c.number, c.high, c.medium FROM checkpoints c \
    JOIN (SELECT projection, version, partition, MAX(number) AS number FROM checkpoints \
    GROUP BY projection, version, partition) latest ON c.projection = latest.projection \
    AND c.version = latest.version AND c.partition = latest.partition AND c.number = latest.number";

/// The mark of one tier.
#[must_use]
pub const fn mark(marks: Marks, tier: Tier) -> Position {
    match tier {
        Tier::High => marks.high,
        Tier::Medium | Tier::Low => marks.medium,
    }
}

/// Raises the mark of one tier.
pub(crate) fn raise(marks: &mut Marks, tier: Tier, position: Position) {
    match tier {
        Tier::High => marks.high = marks.high.max(position),
        Tier::Medium => marks.medium = marks.medium.max(position),
        Tier::Low => (),
    }
}

/// How far each projection has come in each partition: what an operator is shown.
///
/// # Errors
/// When the read models are away.
pub async fn checkpoints(database: &Database) -> Result<BTreeMap<(Projection, Partition), Checkpoint>, sql::Error> {
    Ok(Found::parse(&database.fetch_all(query(LATEST)).await?)?.checkpoints)
}

/// The same within a transaction.
pub(crate) async fn read(tx: &mut Transaction) -> Result<Checkpoints, sql::Error> {
    Ok(Found::parse(&tx.fetch_all(query(LATEST)).await?)?.checkpoints)
}

/// What a place has.
#[derive(Default)]
struct Found {
    /// The checkpoints of this build's versions.
    checkpoints: Checkpoints,
    /// Projections that a newer build has taken over.
    newer: BTreeSet<Projection>,
}

impl Found {
    fn parse(rows: &[Row]) -> Result<Self, sql::Error> {
        let mut found = Self::default();
        for row in rows {
            let Ok(projection) = row.get::<String>(0)?.parse::<Projection>() else { continue };
            match row.get::<i64>(1)?.cmp(&i64::from(projection.version())) {
                Ordering::Less => (),
                Ordering::Equal => {
                    let partition = Partition(u16::try_from(row.get::<i64>(2)?).unwrap_or(u16::MAX));
                    let marks = Marks { high: row.unsigned(4)?, medium: row.unsigned(5)? };
                    let checkpoint = Checkpoint { number: row.unsigned(3)?, marks };
                    found.checkpoints.insert((projection, partition), checkpoint);
                }
                Ordering::Greater => {
                    found.newer.insert(projection);
                }
            }
        }
        Ok(found)
    }

    /// Reads it; nothing of it is of use when it belongs to another log.
    async fn read_usable(tx: &mut Transaction, store: &EventStore) -> Result<Self, Error> {
        let source = tx.fetch_optional(query("SELECT incarnation FROM source")).await?;
        let found = Self::parse(&tx.fetch_all(query(LATEST)).await?)?;
        let marks = found.checkpoints.values().map(|checkpoint| checkpoint.marks);
        let furthest = marks.map(|marks| marks.high.max(marks.medium)).max().unwrap_or_default();
        let is_ours = source.map(|row| row.get::<Uuid>(0)).transpose()? == Some(store.incarnation());
        if is_ours && furthest <= store.head().await?.position {
            return Ok(found);
        }
        if !found.checkpoints.is_empty() {
            tracing::warn!(furthest, "The read models are not of this log and are made anew");
        }
        Ok(Self::default())
    }

    fn lacks(&self, projection: Projection) -> bool {
        !self.newer.contains(&projection) && !self.checkpoints.keys().any(|(other, _)| *other == projection)
    }
}

/// Begins a transaction of a worker: its commit is not waited for on the disk (rows and checkpoints are lost
/// together), and no swap happens beside it.
pub(crate) async fn begin(database: &Database) -> Result<Transaction, sql::Error> {
    let mut tx = database.begin().await?;
    if matches!(tx, Transaction::Postgres(_)) {
        let sql = "SELECT set_config('synchronous_commit', 'off', true), \
                   pg_advisory_xact_lock_shared($1::BIGINT::INT, hashtext(current_schema()))";
        tx.execute(query(sql).bind(GATE)).await?;
    }
    Ok(tx)
}

/// Begins a transaction that keeps all workers of these read models waiting: only for who empties or swaps tables. One
/// that froze in it has lost it after [`ALONE`].
///
/// # Errors
/// When the read models are away, or the workers' transactions did not end in time.
pub(crate) async fn begin_alone(database: &Database) -> Result<Transaction, sql::Error> {
    let mut attempts = 0;
    loop {
        let mut tx = database.begin().await?;
        if matches!(tx, Transaction::Sqlite(..)) {
            tx.keep_to(Limits::BULK).await?;
            return Ok(tx);
        }
        attempts += 1;
        // Who waits for the gate keeps all who come after it waiting as well: so it waits in short turns, and lets them
        // through in between.
        tx.keep_to(Limits { lock: GATE_TURN, idle: ALONE, ..Limits::INTERACTIVE }).await?;
        let sql = "SELECT pg_advisory_xact_lock($1::BIGINT::INT, hashtext(current_schema()))";
        match tx.execute(query(sql).bind(GATE)).await {
            Err(error) if error.is_lock_timeout() && attempts < GATE_TURNS => {
                tx.rollback().await?;
                tokio::time::sleep(GATE_TURN).await;
            }
            got => {
                got?;
                tx.keep_to(Limits { idle: ALONE, ..Limits::BULK }).await?;
                return Ok(tx);
            }
        }
    }
}

/// Steps on without any event, to see whether the checkpoints of a partition can be moved at all. Waits for `patience`.
///
/// # Errors
/// [`Error::Overtaken`]: they can, and were.
pub(crate) async fn touch(database: &Database, partition: Partition, patience: Duration) -> Result<(), Error> {
    let mut next = checkpoints(database).await?;
    next.retain(|(_, other), _| *other == partition);
    next.values_mut().for_each(|checkpoint| checkpoint.number += 1);
    let mut tx = begin(database).await?;
    wait_less(&mut tx, patience).await?;
    step(&mut tx, &next).await?;
    Ok(tx.commit().await?)
}

/// Has the rest of a transaction wait for a lock no longer than `patience`.
pub(crate) async fn wait_less(tx: &mut Transaction, patience: Duration) -> Result<(), sql::Error> {
    if matches!(tx, Transaction::Postgres(_)) {
        let sql = "SELECT set_config('lock_timeout', $1, true)";
        tx.execute(query(sql).bind(patience.as_millis().to_string())).await?;
    }
    Ok(())
}

/// Whether workers are let in: nobody has the read models alone.
pub(crate) async fn is_open(database: &Database) -> Result<bool, sql::Error> {
    match begin(database).await {
        Ok(tx) => tx.rollback().await.map(|()| true),
        Err(error) if error.is_lock_timeout() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the first checkpoints of projections that have none of their present version, after emptying their
/// tables: a projection begins with nothing. Read models of another log, or of a future that this log no longer
/// has, are emptied, too; what a newer build has taken over is left to it.
pub(crate) async fn ensure(database: &Database, store: &EventStore, projections: &[Projection]) -> Result<(), Error> {
    let mut tx = database.begin_read().await?;
    let found = Found::read_usable(&mut tx, store).await?;
    drop(tx);
    if !projections.iter().any(|projection| found.lacks(*projection)) {
        return Ok(());
    }
    empty_slow_tables(database, &found).await?;
    let mut attempts = 0;
    loop {
        attempts += 1;
        match begin_anew(database, store, projections).await {
            Err(Error::Sql(error)) if attempts < ATTEMPTS && error.is_lock_timeout() => {
                tracing::debug!(%error, attempts, "Tables that are to be emptied are in use");
                tokio::time::sleep(PAUSE).await;
            }
            begun => return begun,
        }
    }
}

async fn begin_anew(database: &Database, store: &EventStore, projections: &[Projection]) -> Result<(), Error> {
    let mut tx = begin_alone(database).await?;
    if matches!(tx, Transaction::Postgres(_)) {
        tx.execute(query("SELECT set_config('lock_timeout', $1, true)").bind(PATIENCE)).await?;
    }
    let found = Found::read_usable(&mut tx, store).await?;
    for projection in Projection::ALL.into_iter().filter(|projection| found.lacks(*projection)) {
        for table in projection.tables() {
            let empty = match tx {
                Transaction::Postgres(_) => "TRUNCATE",
                Transaction::Sqlite(..) => "DELETE FROM",
            };
            tx.execute(query(format!("{empty} {}", table.name))).await?;
        }
        let wanted = if projections.contains(&projection) { store.partitions() } else { 0 };
        let first = |partition| ((projection, Partition(partition)), Checkpoint::default());
        replace(&mut tx, projection, &(0..wanted).map(first).collect()).await?;
    }
    tx.execute(query("DELETE FROM source")).await?;
    tx.execute(query("INSERT INTO source (incarnation) VALUES ($1)").bind(store.incarnation())).await?;
    Ok(tx.commit().await?)
}

/// SQLite forgets a whole table at once, but not one with triggers: that is emptied in portions before, so that no
/// transaction keeps other writers waiting for long.
async fn empty_slow_tables(database: &Database, found: &Found) -> Result<(), Error> {
    if database.engine() != Engine::Sqlite {
        return Ok(());
    }
    for projection in Projection::ALL.into_iter().filter(|projection| found.lacks(*projection)) {
        for table in projection.tables() {
            let triggers = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND tbl_name = $1 LIMIT 1";
            if database.fetch_optional(query(triggers).bind(table.name)).await?.is_none() {
                continue;
            }
            let name = table.name;
            let some = format!("DELETE FROM {name} WHERE rowid IN (SELECT rowid FROM {name} LIMIT {PORTION})");
            while database.execute(query(some.clone())).await? > 0 {}
        }
    }
    Ok(())
}

/// Forgets all checkpoints and parked events of a projection, and writes the given ones instead.
pub(crate) async fn replace(
    tx: &mut Transaction,
    projection: Projection,
    checkpoints: &Checkpoints,
) -> Result<(), sql::Error> {
    for table in ["checkpoints", "parked"] {
        let sql = format!("DELETE FROM {table} WHERE projection = $1");
        tx.execute(query(sql).bind(projection.name())).await?;
    }
    let rows = checkpoints.iter().filter(|((name, _), _)| *name == projection);
    let rows = rows.map(|(key, checkpoint)| row(key, checkpoint).to_vec()).collect();
    let head = "INSERT INTO checkpoints (projection, version, partition, number, high, medium) VALUES";
    tx.insert(head, rows, "").await
}

fn row((projection, partition): &(Projection, Partition), checkpoint: &Checkpoint) -> [Value; 6] {
    [
        projection.name().into(),
        projection.version().into(),
        partition.0.into(),
        checkpoint.number.into(),
        checkpoint.marks.high.into(),
        checkpoint.marks.medium.into(),
    ]
}

/// Steps on to `next`: each with the number after the one that must be the latest.
///
/// # Errors
/// [`Error::Overtaken`] when another one is the latest; nothing may be committed then.
pub(crate) async fn step(tx: &mut Transaction, next: &Checkpoints) -> Result<(), Error> {
    if next.is_empty() {
        return Ok(());
    }
    let mut sql = String::from("WITH next (projection, version, partition, number, high, medium) AS (VALUES");
    for n in 0..next.len() {
        let [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6].map(|column| n * 6 + column);
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(sql, "{comma} (${a}, ${b}, ${c}, ${d}, ${e}, ${f})");
    }
    sql.push_str(
        ") INSERT INTO checkpoints (projection, version, partition, number, high, medium) \
         SELECT next.projection, next.version, next.partition, next.number, next.high, next.medium \
         FROM next JOIN checkpoints before ON before.projection = next.projection \
         AND before.version = next.version AND before.partition = next.partition \
         AND before.number = next.number - 1",
    );
    let values = next.iter().flat_map(|(key, checkpoint)| row(key, checkpoint));
    let stepped = match tx.execute(query(sql).bind_all(values)).await {
        Err(error) if error.is_unique_violation() => return Err(Error::Overtaken),
        stepped => stepped?,
    };
    if stepped != next.len() as u64 {
        return Err(Error::Overtaken);
    }
    for ((projection, partition), checkpoint) in next.iter().filter(|(_, next)| next.number % KEPT == 0) {
        let sql = "DELETE FROM checkpoints WHERE projection = $1 AND partition = $2 AND number < $3";
        tx.execute(query(sql).bind(projection.name()).bind(partition.0).bind(checkpoint.number)).await?;
    }
    Ok(())
}
