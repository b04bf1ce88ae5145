//! Workers: follow the lanes of the partitions they lease, and fold them into the read models.

mod lease;
mod parking;
mod progress;
mod reading;
pub(crate) mod settled;

pub(crate) use lease::Leases;
pub use parking::Parking;
pub use progress::Progress;

use crate::{Error, parked::BackOff};
use broker::{BACK_OFF, Broker};
use domain::Timestamp;
use event_store::EventStore;
use reading::Reading;
use sql::Database;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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
    /// Names the build of this process: what another one could not apply is tried again when a worker starts.
    pub build: Arc<str>,
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
        Self::start_with(settings, BACK_OFF, token)
    }

    /// The same, with other pauses before poisonous events are tried again.
    pub(crate) fn start_with(settings: WorkerSettings, back_off: BackOff, token: CancellationToken) -> Self {
        let progress = Progress::new(settings.store.clone(), settings.database.clone());
        let task = tokio::spawn(run(settings, back_off, progress.clone(), token));
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

async fn run(settings: WorkerSettings, back_off: BackOff, progress: Progress, token: CancellationToken) {
    let WorkerSettings { store, database, owner, lease, .. } = &settings;
    let mut leases = Leases::new(database.clone(), *owner, *lease, store.partitions());
    let mut pauses = Pauses::default();
    while !token.is_cancelled() {
        let turn = follow(&settings, back_off, &mut leases, &progress, &token).await;
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
    back_off: BackOff,
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
    let partitions = leases.held().iter().copied().collect();
    let mut reading = Reading::begin(settings, back_off, partitions, progress.counters()).await?;
    progress.publish(reading.settled());
    loop {
        tokio::select! {
            biased;
            () = token.cancelled() => return Ok(()),
            _ = renewal.tick() => if leases.renew().await? { return Ok(()) },
            turn = reading.turn() => {
                if reading.act(turn?, token).await? {
                    progress.publish(reading.settled());
                }
            }
        }
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
