//! Detects stalled read models and partitions.

use super::{Progress, lease::unheld};
use crate::{
    Error, Projection,
    checkpoint::{checkpoints, mark},
};
use broker::Marks;
use domain::{Lane, Partition, Tier};
use sql::Database;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;

/// How long a projection may be behind in a partition without a step: longer than any batch takes.
const STANDS: Duration = Duration::from_secs(2);

/// Detects stalled read models and partitions.
#[derive(Debug, Default)]
pub struct Standing(BTreeMap<(Projection, Partition), (Marks, Instant)>);

impl Standing {
    /// Everything stalled now:
    /// `read_models:<projection>` that has been behind in a partition for 2 s without a step, and `partition:<number>`
    /// that no worker has leased. Call it about every second.
    ///
    /// # Errors
    /// If the log or the read models are unavailable.
    pub async fn look(&mut self, progress: &Progress) -> Result<BTreeSet<String>, Error> {
        let (store, database): (_, &Database) = (progress.store(), progress.database());
        let applied = checkpoints(database).await?;
        let head = store.head().await?;
        let now = Instant::now();
        let mut stalled: BTreeSet<_> = unheld(database, store.partitions())
            .await?
            .into_iter()
            .map(|free| format!("partition:{}", free.0))
            .collect();
        let mut behind = BTreeMap::new();
        for ((projection, partition), checkpoint) in applied {
            let lane = |tier| Lane { tier, partition };
            let lags = |tier| mark(checkpoint.marks, tier) < head.heads.lane(lane(tier));
            if !Tier::DURABLE.into_iter().any(lags) {
                continue;
            }
            let key = (projection, partition);
            let since =
                self.0.get(&key).filter(|(marks, _)| *marks == checkpoint.marks).map_or(now, |(_, since)| *since);
            if now.saturating_duration_since(since) >= STANDS {
                stalled.insert(format!("read_models:{}", projection.name()));
            }
            behind.insert(key, (checkpoint.marks, since));
        }
        self.0 = behind;
        Ok(stalled)
    }
}
