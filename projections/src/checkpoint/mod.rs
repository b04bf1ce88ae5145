//! Checkpoints: the marks of a projection in a partition, moved by compare-and-set (I14).

mod first;
mod found;
mod gate;

#[cfg(test)]
pub(crate) use first::empty_slow_tables;
pub(crate) use first::ensure;
pub(crate) use gate::{begin, begin_alone, is_open, wait_less};

use crate::{Error, Projection};
use broker::Marks;
use domain::{Partition, Tier};
use event_store::Position;
use found::{Found, LATEST};
use sql::{Database, Transaction, Value, query};
use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

/// The progress of a projection in a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of the step; each step adds 1.
    pub number: u64,
    /// The positions up to which events were applied.
    pub marks: Marks,
}

/// The checkpoints of each projection in each partition.
pub type Checkpoints = BTreeMap<(Projection, Partition), Checkpoint>;

/// Each projection and partition keeps fewer steps than this.
const KEPT: u64 = 32;

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

/// The checkpoint of each projection in each partition.
///
/// # Errors
/// If the read models are unavailable.
pub async fn checkpoints(database: &Database) -> Result<BTreeMap<(Projection, Partition), Checkpoint>, sql::Error> {
    Ok(Found::parse(&database.fetch_all(query(LATEST)).await?)?.checkpoints)
}

/// Like [`checkpoints`], within a transaction.
pub(crate) async fn read(tx: &mut Transaction) -> Result<Checkpoints, sql::Error> {
    Ok(Found::parse(&tx.fetch_all(query(LATEST)).await?)?.checkpoints)
}

/// The last event applied in each partition: position and digest.
pub(crate) type Newest = BTreeMap<Partition, (Position, [u8; 32])>;

/// Records the last events applied, with the step to `next`.
pub(crate) async fn note_applied(tx: &mut Transaction, newest: &Newest, next: &Checkpoints) -> Result<(), sql::Error> {
    let row = |(partition, (position, digest)): (&Partition, &(Position, [u8; 32]))| -> Vec<Value> {
        vec![partition.0.into(), (*position).into(), digest.to_vec().into()]
    };
    let head = "INSERT INTO applied (partition, position, digest) VALUES";
    tx.insert(head, newest.iter().map(row).collect(), "ON CONFLICT DO NOTHING").await?;
    // As often as the steps of a projection are removed.
    let step_in = |partition| next.iter().find(|((_, of), _)| *of == partition).map(|(_, step)| step.number);
    for (partition, (position, _)) in newest {
        if step_in(*partition).is_none_or(|number| number % KEPT != 0) {
            continue;
        }
        let sql = "DELETE FROM applied WHERE partition = $1 AND position < $2";
        tx.execute(query(sql).bind(partition.0).bind(*position)).await?;
    }
    Ok(())
}

/// Steps on without an event, to learn whether the checkpoints of a partition can be moved. Waits for at most
/// `patience`.
///
/// # Errors
/// [`Error::Overtaken`]: they can be moved, and another worker moved them.
pub(crate) async fn touch(database: &Database, partition: Partition, patience: Duration) -> Result<(), Error> {
    let mut next = checkpoints(database).await?;
    next.retain(|(_, other), _| *other == partition);
    next.values_mut().for_each(|checkpoint| checkpoint.number += 1);
    let mut tx = begin(database).await?;
    wait_less(&mut tx, patience).await?;
    step(&mut tx, &next).await?;
    Ok(tx.commit().await?)
}

/// Replaces the checkpoints of a projection, and removes its parked events.
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

/// Steps to `next`. Each step must follow the latest one by number.
///
/// # Errors
/// [`Error::Overtaken`] if it does not; the transaction must not be committed then.
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
