//! The checkpoints found in a database.

use super::{Checkpoint, Checkpoints};
use crate::{Error, Projection};
use broker::Marks;
use domain::Partition;
use event_store::EventStore;
use sql::{Row, Transaction, query};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};
use uuid::Uuid;

pub(super) const LATEST: &str = "SELECT c.projection, c.version, c.partition, c.number, c.high, c.medium FROM checkpoints c \
    JOIN (SELECT projection, version, partition, MAX(number) AS number FROM checkpoints \
    GROUP BY projection, version, partition) latest ON c.projection = latest.projection \
    AND c.version = latest.version AND c.partition = latest.partition AND c.number = latest.number";

/// The checkpoints found in a database.
#[derive(Default)]
pub(super) struct Found {
    /// The checkpoints of this build's versions.
    pub(super) checkpoints: Checkpoints,
    /// Projections whose checkpoints are of a newer build.
    newer: BTreeSet<Projection>,
    /// Whether the database has checkpoints of another log.
    pub(super) is_foreign: bool,
}

impl Found {
    pub(super) fn parse(rows: &[Row]) -> Result<Self, sql::Error> {
        let mut found = Self::default();
        for row in rows {
            let Ok(projection) = row.get::<String>("projection")?.parse::<Projection>() else { continue };
            match row.get::<i64>("version")?.cmp(&i64::from(projection.version())) {
                Ordering::Less => (),
                Ordering::Equal => {
                    let partition = Partition(u16::try_from(row.get::<i64>("partition")?).unwrap_or(u16::MAX));
                    let marks = Marks { high: row.unsigned("high")?, medium: row.unsigned("medium")? };
                    let checkpoint = Checkpoint { number: row.unsigned("number")?, marks };
                    found.checkpoints.insert((projection, partition), checkpoint);
                }
                Ordering::Greater => {
                    found.newer.insert(projection);
                }
            }
        }
        Ok(found)
    }

    /// Reads the checkpoints; those of another log are dropped.
    pub(super) async fn read_usable(tx: &mut Transaction, store: &EventStore) -> Result<Self, Error> {
        let source = tx.fetch_optional(query("SELECT incarnation FROM source")).await?;
        let found = Self::parse(&tx.fetch_all(query(LATEST)).await?)?;
        let marks = found.checkpoints.values().map(|checkpoint| checkpoint.marks);
        let furthest = marks.map(|marks| marks.high.max(marks.medium)).max().unwrap_or_default();
        let is_ours = source.map(|row| row.get::<Uuid>("incarnation")).transpose()? == Some(store.incarnation());
        if is_ours && furthest <= store.head().await?.position && are_applied(tx, store).await? {
            return Ok(found);
        }
        Ok(Self { is_foreign: !found.checkpoints.is_empty(), ..Self::default() })
    }

    pub(super) fn lacks(&self, projection: Projection) -> bool {
        !self.newer.contains(&projection) && !self.checkpoints.keys().any(|(other, _)| *other == projection)
    }
}

/// Whether the log contains the events applied last. A log that lost its end and grew another one has different events
/// there.
async fn are_applied(tx: &mut Transaction, store: &EventStore) -> Result<bool, Error> {
    let mut applied = BTreeMap::new();
    for row in tx.fetch_all(query("SELECT position, digest FROM applied")).await? {
        applied.insert(row.unsigned("position")?, row.get::<Vec<u8>>("digest")?);
    }
    let written = store.digests_at(&applied.keys().copied().collect::<Vec<_>>()).await?;
    Ok(applied.iter().all(|(position, digest)| written.get(position).is_some_and(|written| written[..] == digest[..])))
}
