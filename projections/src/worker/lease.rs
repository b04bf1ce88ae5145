//! Leases: which worker follows which partitions. They spread the work and pass it on when a worker dies.
//!
//! A lease is no lock: a worker that lost one without noticing is stopped by the checkpoints' compare-and-set. The
//! workers are on different machines: what has expired is judged by the database's clock, never by theirs.

use super::Pauses;
use crate::now::now;
use domain::Partition;
use sql::{Database, Transaction, query};
use std::{collections::BTreeSet, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a worker has leased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Leased {
    /// Whether it was asked for already.
    pub(super) known: bool,
    /// The partitions; none when it is not known for longer than a lease lasts.
    pub(super) partitions: BTreeSet<Partition>,
}

/// The leases of one worker.
pub(crate) struct Leases {
    database: Database,
    owner: Uuid,
    duration: Duration,
    partitions: u16,
    held: BTreeSet<Partition>,
}

impl Leases {
    pub(crate) const fn new(database: Database, owner: Uuid, duration: Duration, partitions: u16) -> Self {
        Self { database, owner, duration, partitions, held: BTreeSet::new() }
    }

    /// The partitions held at the last [`Leases::renew`].
    #[cfg(test)]
    pub(crate) const fn held(&self) -> &BTreeSet<Partition> {
        &self.held
    }

    /// Renews the leases four times as often as they last, until `stop`, whatever the worker is busy with, and tells
    /// what is held. What could not be renewed in time is not held any more.
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
                stop.run_until_cancelled(sleep(pause)).await;
            } else {
                pauses.next(stop).await;
            }
        }
    }

    /// Says that this worker lives, renews what it holds, gives up what is more than its share, takes what is
    /// free of its share. Answers whether it holds other partitions than before.
    ///
    /// # Errors
    /// When the read models are away.
    pub(crate) async fn renew(&mut self) -> Result<bool, sql::Error> {
        let mut tx = self.database.begin().await?;
        let now = format!("SELECT {}", now(self.database.engine()));
        let now: i64 = tx.fetch_optional(query(now)).await?.ok_or(sqlx::Error::RowNotFound)?.get(0)?;
        let until = now.saturating_add(i64::try_from(self.duration.as_millis()).unwrap_or(i64::MAX));
        let alive = self.report(&mut tx, now, until).await?;
        let share = usize::from(self.partitions.div_ceil(alive.max(1)));

        let renewed = query("UPDATE leases SET expires_at = $2 WHERE owner = $1").bind(self.owner).bind(until);
        tx.execute(renewed).await?;
        let mut held = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for row in tx.fetch_all(query("SELECT partition, owner, expires_at FROM leases")).await? {
            let partition = Partition(u16::try_from(row.get::<i64>(0)?).unwrap_or(u16::MAX));
            if row.get::<Uuid>(1)? == self.owner {
                held.insert(partition);
            } else if row.get::<i64>(2)? >= now {
                taken.insert(partition);
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
        let changed = held != self.held;
        self.held = held;
        Ok(changed)
    }

    /// Writes down that this worker lives; answers how many do.
    async fn report(&self, tx: &mut Transaction, now: i64, until: i64) -> Result<u16, sql::Error> {
        let sql = "INSERT INTO workers (owner, expires_at) VALUES ($1, $2) \
                   ON CONFLICT (owner) DO UPDATE SET expires_at = excluded.expires_at";
        tx.execute(query(sql).bind(self.owner).bind(until)).await?;
        tx.execute(query("DELETE FROM workers WHERE expires_at < $1").bind(now)).await?;
        let counted = tx.fetch_optional(query("SELECT COUNT(*) FROM workers")).await?;
        let alive = counted.map(|row| row.get::<i64>(0)).transpose()?.unwrap_or(1);
        Ok(u16::try_from(alive).unwrap_or(u16::MAX))
    }

    /// Gives everything up, so that others need not wait for the leases to expire.
    ///
    /// # Errors
    /// When the read models are away; the leases then expire by themselves.
    pub(crate) async fn release(&mut self) -> Result<(), sql::Error> {
        self.held.clear();
        let mut tx = self.database.begin().await?;
        tx.execute(query("DELETE FROM leases WHERE owner = $1").bind(self.owner)).await?;
        tx.execute(query("DELETE FROM workers WHERE owner = $1").bind(self.owner)).await?;
        tx.commit().await
    }
}

/// The partitions that nobody has leased.
///
/// # Errors
/// When the read models are away.
pub(super) async fn unheld(database: &Database, partitions: u16) -> Result<Vec<Partition>, sql::Error> {
    let now = now(database.engine());
    let held = format!("SELECT partition FROM leases WHERE expires_at >= {now}");
    let mut free: BTreeSet<_> = (0..partitions).map(Partition).collect();
    for row in database.fetch_all(query(held)).await? {
        free.remove(&Partition(u16::try_from(row.get::<i64>(0)?).unwrap_or(u16::MAX)));
    }
    Ok(free.into_iter().collect())
}
