//! Leases of partitions: they spread the work over the workers, and pass it on when a worker dies.
//!
//! A lease is not a lock: the checkpoints' compare-and-set stops a worker that lost one without noticing. Workers run
//! on different machines, so the database's clock decides what has expired.

use super::pauses::Pauses;
use domain::Partition;
use sql::{Database, Transaction, query};
use std::{collections::BTreeSet, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The delay after a lease expires before it is acquired.
const EXPIRED: Duration = Duration::from_millis(20);

/// The leases of a worker, as published to its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Leased {
    /// Whether they were read at least once.
    pub(super) known: bool,
    /// Empty once the leases could not be renewed for as long as they last.
    pub(super) partitions: BTreeSet<Partition>,
}

/// The leases of one worker.
pub(crate) struct Leases {
    database: Database,
    owner: Uuid,
    duration: Duration,
    partitions: u16,
    held: BTreeSet<Partition>,
    /// When the first lease of another worker expires unless it is renewed, as of the last renewal; on the monotonic
    /// clock.
    next_free: Option<Instant>,
}

impl Leases {
    pub(crate) const fn new(database: Database, owner: Uuid, duration: Duration, partitions: u16) -> Self {
        Self { database, owner, duration, partitions, held: BTreeSet::new(), next_free: None }
    }

    /// The partitions held at the last [`Leases::renew`].
    #[cfg(test)]
    pub(crate) const fn held(&self) -> &BTreeSet<Partition> {
        &self.held
    }

    /// Renews the leases four times as often as they last, until `stop`, and publishes the partitions held. Leases not
    /// renewed in time are dropped; leases that other workers do not renew are acquired as soon as they expire.
    pub(super) async fn keep(&mut self, leased: &watch::Sender<Leased>, stop: &CancellationToken) {
        let pause = (self.duration / 4).max(Duration::from_millis(1));
        let mut pauses = Pauses::default();
        let mut renewed = Instant::now();
        while !stop.is_cancelled() {
            let asked = Instant::now();
            let Some(answer) = stop.run_until_cancelled(timeout(pause, self.renew())).await else { return };
            let error = match answer {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("no answer".to_owned()),
            };
            if let Some(error) = error {
                tracing::warn!(error, "The leases could not be renewed");
                if renewed.elapsed() >= self.duration {
                    self.held.clear();
                }
            } else {
                renewed = asked;
                pauses = Pauses::default();
            }
            let known = Leased { known: leased.borrow().known || renewed == asked, partitions: self.held.clone() };
            leased.send_if_modified(|before| {
                let changed = *before != known;
                *before = known;
                changed
            });
            if renewed == asked {
                let free = self.next_free.map_or(pause, |at| at.saturating_duration_since(Instant::now()) + EXPIRED);
                stop.run_until_cancelled(sleep(pause.min(free))).await;
            } else {
                pauses.next(stop).await;
            }
        }
    }

    /// Reports that this worker is alive, renews its leases, releases those beyond its share, and acquires free ones up
    /// to its share. Returns whether its partitions changed.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub(crate) async fn renew(&mut self) -> Result<bool, sql::Error> {
        let mut tx = begin(&self.database).await?;
        let now = format!("SELECT {} AS now", self.database.engine().now());
        let now: i64 = tx.fetch_optional(query(now)).await?.ok_or(sqlx::Error::RowNotFound)?.get("now")?;
        let until = now.saturating_add(i64::try_from(self.duration.as_millis()).unwrap_or(i64::MAX));
        let alive = self.report(&mut tx, now, until).await?;
        let share = usize::from(self.partitions.div_ceil(alive.max(1)));

        let renewed = query("UPDATE leases SET expires_at = $2 WHERE owner = $1").bind(self.owner).bind(until);
        tx.execute(renewed).await?;
        let mut held = BTreeSet::new();
        let mut taken = BTreeSet::new();
        let mut next_free = None;
        for row in tx.fetch_all(query("SELECT partition, owner, expires_at FROM leases")).await? {
            let partition = Partition(u16::try_from(row.get::<i64>("partition")?).unwrap_or(u16::MAX));
            let expires: i64 = row.get("expires_at")?;
            if row.get::<Uuid>("owner")? == self.owner {
                held.insert(partition);
            } else if expires >= now {
                taken.insert(partition);
                next_free = Some(next_free.map_or(expires, |next: i64| next.min(expires)));
            }
        }
        while held.len() > share
            && let Some(partition) = held.pop_last()
        {
            let sql = "DELETE FROM leases WHERE partition = $1 AND owner = $2";
            tx.execute(query(sql).bind(partition.0).bind(self.owner)).await?;
        }
        for partition in (0..self.partitions).map(Partition) {
            if held.len() < share && !held.contains(&partition) && !taken.contains(&partition) {
                let sql = "INSERT INTO leases (partition, owner, expires_at) VALUES ($1, $2, $3) \
                           ON CONFLICT (partition) DO UPDATE SET owner = excluded.owner, \
                           expires_at = excluded.expires_at WHERE leases.expires_at < $4";
                let take = query(sql).bind(partition.0).bind(self.owner).bind(until).bind(now);
                if tx.execute(take).await? > 0 {
                    held.insert(partition);
                }
            }
        }
        tx.commit().await?;
        let left = next_free.and_then(|expires| u64::try_from(expires - now).ok());
        self.next_free = left.map(|left| Instant::now() + Duration::from_millis(left));
        let changed = held != self.held;
        self.held = held;
        Ok(changed)
    }

    /// Records that this worker is alive. Returns the number of live workers.
    async fn report(&self, tx: &mut Transaction, now: i64, until: i64) -> Result<u16, sql::Error> {
        let sql = "INSERT INTO workers (owner, expires_at) VALUES ($1, $2) \
                   ON CONFLICT (owner) DO UPDATE SET expires_at = excluded.expires_at";
        tx.execute(query(sql).bind(self.owner).bind(until)).await?;
        tx.execute(query("DELETE FROM workers WHERE expires_at < $1").bind(now)).await?;
        let counted = tx.fetch_optional(query("SELECT COUNT(*) AS alive FROM workers")).await?;
        let alive = counted.map(|row| row.get::<i64>("alive")).transpose()?.unwrap_or(1);
        Ok(u16::try_from(alive).unwrap_or(u16::MAX))
    }

    /// Releases all leases, so that other workers need not wait until they expire.
    ///
    /// # Errors
    /// If the read models are unavailable; the leases then expire.
    pub(crate) async fn release(&mut self) -> Result<(), sql::Error> {
        self.held.clear();
        let mut tx = self.database.begin().await?;
        tx.execute(query("DELETE FROM leases WHERE owner = $1").bind(self.owner)).await?;
        tx.execute(query("DELETE FROM workers WHERE owner = $1").bind(self.owner)).await?;
        tx.commit().await
    }
}

/// Begins a transaction whose commit does not wait for the disk, so that a stalled disk costs no live worker its
/// leases. A server that crashed may forget them.
async fn begin(database: &Database) -> Result<Transaction, sql::Error> {
    let mut tx = database.begin().await?;
    if matches!(tx, Transaction::Postgres(_)) {
        tx.execute(query("SELECT set_config('synchronous_commit', 'off', true)")).await?;
    }
    Ok(tx)
}

/// The partitions that no worker has leased.
///
/// # Errors
/// If the read models are unavailable.
pub(super) async fn unheld(database: &Database, partitions: u16) -> Result<Vec<Partition>, sql::Error> {
    let now = database.engine().now();
    let held = format!("SELECT partition FROM leases WHERE expires_at >= {now}");
    let mut free: BTreeSet<_> = (0..partitions).map(Partition).collect();
    for row in database.fetch_all(query(held)).await? {
        free.remove(&Partition(u16::try_from(row.get::<i64>("partition")?).unwrap_or(u16::MAX)));
    }
    Ok(free.into_iter().collect())
}
