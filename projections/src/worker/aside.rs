//! Partitions set aside: another session, frozen or an operator's, holds their rows. The other partitions go on, and
//! these are tried again.

use crate::{Error, checkpoint};
use domain::Partition;
use sql::Database;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// The lock timeout per partition, once rows were found held by another session.
pub(super) const SOON: Duration = Duration::from_millis(250);
/// The pause between looks.
const LOOK: Duration = Duration::from_millis(500);
/// The rest of a partition that is set aside again: doubled each time, up to `LONGEST`.
const REST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// After this time without trouble, the rest starts over.
const FORGIVEN: Duration = Duration::from_secs(60);

/// The partitions set aside, now or recently.
#[derive(Debug, Default)]
pub(super) struct Aside(BTreeMap<Partition, Resting>);

#[derive(Debug)]
struct Resting {
    is_aside: bool,
    rest: Duration,
    until: Instant,
}

impl Aside {
    pub(super) fn put(&mut self, partitions: BTreeSet<Partition>) {
        let now = Instant::now();
        self.0.retain(|_, resting| resting.is_aside || now.saturating_duration_since(resting.until) < FORGIVEN);
        for partition in partitions {
            let rest = self.0.get(&partition).map_or(Duration::ZERO, |before| (before.rest * 2).clamp(REST, LONGEST));
            self.0.insert(partition, Resting { is_aside: true, rest, until: now + rest });
        }
    }

    pub(super) fn has(&self, partition: Partition) -> bool {
        self.0.get(&partition).is_some_and(|resting| resting.is_aside)
    }

    /// Waits until a partition of `held` that is set aside can be moved again.
    pub(super) async fn freed(&mut self, database: &Database, held: &BTreeSet<Partition>) {
        loop {
            sleep(LOOK).await;
            let now = Instant::now();
            let due: Vec<_> = held.iter().copied().filter(|partition| self.is_due(*partition, now)).collect();
            for partition in due {
                match checkpoint::touch(database, partition, SOON).await {
                    Ok(()) | Err(Error::Overtaken) => {
                        tracing::info!(?partition, "The rows of a partition are free again");
                        if let Some(resting) = self.0.get_mut(&partition) {
                            (resting.is_aside, resting.until) = (false, Instant::now());
                        }
                        return;
                    }
                    Err(error) => {
                        tracing::debug!(?partition, %error, "The rows of a partition are still held by another session")
                    }
                }
            }
        }
    }

    fn is_due(&self, partition: Partition, now: Instant) -> bool {
        self.0.get(&partition).is_some_and(|resting| resting.is_aside && resting.until <= now)
    }
}
