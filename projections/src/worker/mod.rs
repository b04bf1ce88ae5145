//! Workers: they follow the lanes of their leased partitions and fold the events into the read models.

mod aside;
mod extent;
mod lease;
mod pace;
mod parking;
mod pauses;
mod progress;
mod reading;
mod settings;
pub(crate) mod settled;
mod standing;

pub use extent::Extent;
pub(crate) use lease::Leases;
pub use parking::Parking;
pub use progress::{Lag, LaneLag, Progress};
pub use settings::WorkerSettings;
pub use standing::Standing;

use crate::{BackOff, Error};
use aside::Aside;
use broker::BACK_OFF;
use domain::Partition;
use lease::Leased;
use pauses::Pauses;
use reading::Reading;
use std::{collections::BTreeSet, pin::pin, time::Duration};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// The longest time to release the leases.
const RELEASE: Duration = Duration::from_secs(3);

/// A running worker. It works until its token is cancelled, whatever fails meanwhile.
pub struct Worker {
    progress: Progress,
    task: JoinHandle<()>,
}

impl Worker {
    #[must_use]
    pub fn start(settings: WorkerSettings, token: CancellationToken) -> Self {
        Self::start_with(settings, BACK_OFF, token)
    }

    /// Starts a worker with other pauses between retries of parked events.
    #[must_use]
    pub fn start_with(settings: WorkerSettings, back_off: BackOff, token: CancellationToken) -> Self {
        let progress = Progress::new(settings.store.clone(), settings.database.clone());
        let task = tokio::spawn(run(settings, back_off, progress.clone(), token));
        Self { progress, task }
    }

    /// Runs a worker for a supervised caller until `token` is cancelled. It reports through `progress`.
    pub async fn run(settings: WorkerSettings, progress: Progress, token: CancellationToken) {
        run(settings, BACK_OFF, progress, token).await;
    }

    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Ends the worker at once, as a crash would.
    pub fn kill(self) {
        self.task.abort();
    }

    /// Waits until the worker has ended, after its token was cancelled.
    pub async fn stopped(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "A projection worker panicked");
        }
    }
}

async fn run(settings: WorkerSettings, back_off: BackOff, progress: Progress, token: CancellationToken) {
    let WorkerSettings { store, database, leases_in, owner, lease, .. } = &settings;
    let leases_in = leases_in.as_ref().unwrap_or(database).clone();
    let mut leases = Leases::new(leases_in, *owner, *lease, store.partitions());
    let (publish, leased) = watch::channel(Leased::default());
    progress.publish(None);
    // Concurrently, so that slow work does not delay the leases.
    tokio::join!(leases.keep(&publish, &token), work(&settings, back_off, leased, &progress, &token));
    match timeout(RELEASE, leases.release()).await {
        Ok(Ok(())) => (),
        Ok(Err(error)) => tracing::debug!(%error, "The leases were not released and will expire"),
        Err(_) => tracing::debug!("The leases were not released and will expire"),
    }
}

/// Works on the leased partitions until the token is cancelled, whatever fails meanwhile.
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
            Err(Error::Overtaken) => tracing::info!("Another worker moved the checkpoints; loading them again"),
            Err(Error::Blocked(partitions)) => {
                tracing::warn!(
                    ?partitions,
                    "Another session holds rows of these partitions; the other partitions go on"
                );
                aside.put(partitions);
            }
            Err(error) => {
                tracing::warn!(%error, "Projections are held up");
                pauses.next(token).await;
            }
        }
    }
}

/// Follows the leased partitions that are not set aside, until either set changes or the token is cancelled. Finishes
/// the batch in progress.
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
        let mut reading = Reading::begin(settings, back_off, partitions, progress.clone()).await?;
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
