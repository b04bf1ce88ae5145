//! Workers: follow the lanes of the partitions they lease, and fold them into the read models.

mod aside;
mod lease;
mod parking;
mod progress;
mod reading;
pub(crate) mod settled;
mod standing;

pub(crate) use lease::Leases;
pub use parking::Parking;
pub use progress::Progress;
pub use standing::Standing;

use crate::{Error, parked::BackOff};
use aside::Aside;
use broker::{BACK_OFF, Broker};
use domain::{Partition, Timestamp};
use event_store::EventStore;
use lease::Leased;
use reading::Reading;
use sql::Database;
use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The pauses between attempts while an engine is away.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1)];

/// How long giving up the leases may take.
const RELEASE: Duration = Duration::from_secs(3);

/// What a worker needs.
#[derive(Clone)]
pub struct WorkerSettings {
    /// The log.
    pub store: EventStore,
    /// The hints.
    pub broker: Broker,
    /// The read models, migrated.
    pub database: Database,
    /// The same over connections that only leases and duties use; `None`: those of `database`.
    pub leases_in: Option<Database>,
    /// This worker's name, which no other has or had.
    pub owner: Uuid,
    /// How long a lease lasts without being renewed; it is renewed four times as often.
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

    /// The same for a caller that watches over it: works until `token` is cancelled, and tells how far it has come by
    /// `progress`.
    pub async fn run(settings: WorkerSettings, progress: Progress, token: CancellationToken) {
        run(settings, BACK_OFF, progress, token).await;
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
    let WorkerSettings { store, database, leases_in, owner, lease, .. } = &settings;
    let leases_in = leases_in.as_ref().unwrap_or(database).clone();
    let mut leases = Leases::new(leases_in, *owner, *lease, store.partitions());
    let (tell, leased) = watch::channel(Leased::default());
    progress.publish(None);
    // Side by side: whatever holds up the work does not hold up the leases.
    tokio::join!(leases.keep(&tell, &token), work(&settings, back_off, leased, &progress, &token));
    match timeout(RELEASE, leases.release()).await {
        Ok(Ok(())) => (),
        Ok(Err(error)) => tracing::debug!(%error, "The leases were not given up and expire by themselves"),
        Err(_) => tracing::debug!("The leases were not given up and expire by themselves"),
    }
}

/// Works on what is leased until the token is cancelled, whatever fails meanwhile.
async fn work(
    settings: &WorkerSettings,
    back_off: BackOff,
    mut leased: watch::Receiver<Leased>,
    progress: &Progress,
    token: &CancellationToken,
) {
    let mut pauses = Pauses::default();
    let mut aside = Aside::default();
    while !token.is_cancelled() {
        let now = leased.borrow_and_update().clone();
        if now.partitions.is_empty() {
            if now.known {
                progress.begun();
            }
            if !matches!(token.run_until_cancelled(leased.changed()).await, Some(Ok(()))) {
                return;
            }
            continue;
        }
        let turn = follow(settings, back_off, (&now.partitions, &mut leased), &mut aside, progress, token).await;
        progress.publish(None);
        match turn {
            Ok(()) => pauses = Pauses::default(),
            Err(Error::Overtaken) => tracing::info!("Somebody else moved the checkpoints on; loading them again"),
            Err(Error::Blocked(partitions)) => {
                tracing::warn!(?partitions, "Somebody holds rows of these partitions; the others go on");
                aside.put(partitions);
            }
            Err(error) => {
                tracing::warn!(%error, "Projections are held up");
                pauses.next(token).await;
            }
        }
    }
}

/// Follows the leased partitions, save those set aside, until either changes or the token is cancelled. What is under way
/// then is finished.
async fn follow(
    settings: &WorkerSettings,
    back_off: BackOff,
    (held, leased): (&BTreeSet<Partition>, &mut watch::Receiver<Leased>),
    aside: &mut Aside,
    progress: &Progress,
    token: &CancellationToken,
) -> Result<(), Error> {
    let partitions: Vec<_> = held.iter().copied().filter(|partition| !aside.has(*partition)).collect();
    let turned = token.child_token();
    let following = async {
        if partitions.is_empty() {
            turned.cancelled().await;
            return Ok(());
        }
        let mut reading = Reading::begin(settings, back_off, partitions, progress.counters()).await?;
        progress.publish(reading.settled());
        progress.begun();
        loop {
            let turn = tokio::select! {
                biased;
                () = turned.cancelled() => return Ok(()),
                turn = reading.turn() => turn?,
            };
            if reading.act(turn, &turned).await? {
                progress.publish(reading.settled());
            }
        }
    };
    let mut following = pin!(following);
    tokio::select! {
        done = &mut following => return done,
        () = token.cancelled() => (),
        _ = leased.changed() => (),
        () = aside.freed(&settings.database, held) => (),
    }
    turned.cancel();
    following.await
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
