//! Workers: follow the lanes of the partitions they lease, and fold them into the read models.

mod lease;
mod progress;
pub(crate) mod settled;

pub(crate) use lease::Leases;
pub use progress::Progress;

use crate::{Error, Projection, apply::Applier};
use broker::{Broker, Follower, Interest, Ordering};
use domain::{Lane, Partition, Tier, Timestamp};
use event_store::{EventStore, RecordedEvent};
use settled::Settled;
use sql::Database;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The most events of one transaction.
const BATCH: usize = 500;
/// The pauses between attempts while an engine is away.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1)];

/// What a worker needs.
#[derive(Clone)]
pub struct WorkerSettings {
    /// The log.
    pub store: EventStore,
    /// The hints.
    pub broker: Broker,
    /// The read models, migrated.
    pub database: Database,
    /// This worker's name, which no other has or had.
    pub owner: Uuid,
    /// How long a lease lasts without being renewed; it is renewed three times as often.
    pub lease: Duration,
    /// The clock that stamps parked events.
    pub clock: fn() -> Timestamp,
}

/// A running worker. It works until its token is cancelled, whatever fails meanwhile.
pub struct Worker {
    progress: Progress,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts a worker.
    #[must_use]
    pub fn start(settings: WorkerSettings, token: CancellationToken) -> Self {
        let progress = Progress::new(settings.store.clone(), settings.database.clone());
        let task = tokio::spawn(run(settings, progress.clone(), token));
        Self { progress, task }
    }

    /// How far the read models have come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Ends it on the spot, as a crash would.
    #[cfg(test)]
    pub(crate) fn kill(self) {
        self.task.abort();
    }

    /// Waits until it has ended, after its token was cancelled.
    pub async fn stopped(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "A projection worker died");
        }
    }
}

async fn run(settings: WorkerSettings, progress: Progress, token: CancellationToken) {
    let WorkerSettings { store, database, owner, lease, .. } = &settings;
    let mut leases = Leases::new(database.clone(), *owner, *lease, store.partitions());
    let mut pauses = Pauses::default();
    while !token.is_cancelled() {
        let turn = follow(&settings, &mut leases, &progress, &token).await;
        progress.publish(None);
        match turn {
            Ok(()) => pauses = Pauses::default(),
            Err(Error::Overtaken) => tracing::info!("Somebody else moved the checkpoints on; loading them again"),
            Err(error) => {
                tracing::warn!(%error, "Projections are held up");
                pauses.next(&token).await;
            }
        }
    }
    if let Err(error) = leases.release().await {
        tracing::debug!(%error, "The leases were not given up and expire by themselves");
    }
}

/// Follows the leased partitions until they change or the token is cancelled.
async fn follow(
    settings: &WorkerSettings,
    leases: &mut Leases,
    progress: &Progress,
    token: &CancellationToken,
) -> Result<(), Error> {
    let mut renewal = tokio::time::interval((settings.lease / 3).max(Duration::from_millis(1)));
    renewal.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    renewal.tick().await;
    leases.renew().await?;
    while leases.held().is_empty() {
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            _ = renewal.tick() => leases.renew().await?,
        };
    }
    let mut reading = Reading::begin(settings, leases.held().iter().copied().collect()).await?;
    progress.publish(reading.settled());
    loop {
        tokio::select! {
            biased;
            () = token.cancelled() => return Ok(()),
            _ = renewal.tick() => if leases.renew().await? { return Ok(()) },
            events = reading.follower.next(BATCH) => {
                if reading.apply(&events?, token).await? {
                    progress.publish(reading.settled());
                }
            }
        }
    }
}

/// The reading of some partitions from their checkpoints on.
struct Reading {
    follower: Follower,
    applier: Applier,
    settled: Option<BTreeMap<Projection, Settled>>,
}

impl Reading {
    async fn begin(settings: &WorkerSettings, partitions: Vec<Partition>) -> Result<Self, Error> {
        let WorkerSettings { store, broker, database, clock, .. } = settings;
        let lanes =
            partitions.iter().flat_map(|partition| Tier::DURABLE.map(|tier| Lane { tier, partition: *partition }));
        let hints = broker.subscribe(Interest::Lanes { queue: "projections".to_owned(), lanes: lanes.collect() });
        let applier = Applier::load(store.clone(), database.clone(), &Projection::ALL, &partitions, *clock).await?;
        let settled = if partitions.len() == usize::from(store.partitions()) {
            let head = store.head().await?;
            let begin = |projection| {
                let marks = applier.marks_of(projection);
                (!marks.is_empty()).then(|| (projection, Settled::new(head.clone(), &marks)))
            };
            Some(Projection::ALL.into_iter().filter_map(begin).collect())
        } else {
            None
        };
        let follower = Follower::new(store.clone(), hints, Ordering::Partition, applier.marks());
        Ok(Self { follower, applier, settled })
    }

    fn settled(&self) -> Option<BTreeMap<Projection, u64>> {
        let settled = self.settled.as_ref()?;
        Some(settled.iter().map(|(projection, settled)| (*projection, settled.position())).collect())
    }

    /// Applies a batch, however long the engine is away. Answers whether it did: not when told to stop.
    async fn apply(&mut self, events: &[Arc<RecordedEvent>], token: &CancellationToken) -> Result<bool, Error> {
        let mut pauses = Pauses::default();
        while let Err(error) = self.applier.apply(events).await {
            if !error.is_temporary() {
                return Err(error);
            }
            tracing::warn!(%error, events = events.len(), "A batch could not be applied and is tried again");
            pauses.next(token).await;
            if token.is_cancelled() {
                return Ok(false);
            }
        }
        for (projection, settled) in self.settled.iter_mut().flatten() {
            let positions = events.iter().map(|event| event.record.position);
            settled.applied(positions, &self.applier.marks_of(*projection));
        }
        Ok(true)
    }
}

/// Longer and longer pauses.
#[derive(Default)]
struct Pauses(usize);

impl Pauses {
    async fn next(&mut self, token: &CancellationToken) {
        let pause = PAUSES[self.0.min(PAUSES.len() - 1)];
        self.0 += 1;
        tokio::select! {
            () = token.cancelled() => (),
            () = tokio::time::sleep(pause) => (),
        }
    }
}
