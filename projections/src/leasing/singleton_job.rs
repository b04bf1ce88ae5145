//! Singleton jobs: work that one process at a time does under a named lease.
//!
//! A lease is not a lock. When a process freezes for long, two may do the work for a moment; the work must tolerate
//! that.

use sql::{Database, query};
use std::{pin::pin, time::Duration};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The longest pause between attempts to acquire a lease that another process holds.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Holds leases of singleton jobs for a process. The database's clock decides whether a lease has expired.
#[derive(Clone, Debug)]
pub struct SingletonJob {
    /// The read models, migrated.
    pub database: Database,
    /// The id of this process; it MUST be new.
    pub owner: Uuid,
    /// How long a lease lasts without being renewed. It is renewed three times as often, and the work is cancelled when
    /// two thirds have passed without a renewal.
    pub lease: Duration,
}

impl SingletonJob {
    /// Does `work` while this process holds the lease of the job `name`, until `stop`. Several processes may compete
    /// for a job; within one process, each job is held once.
    ///
    /// The token given to `work` is cancelled on `stop`, and when the lease is lost or cannot be renewed; work that has
    /// not ended when the lease does is dropped. Work that ends by itself is started again, by this or another process.
    /// On `stop` the lease is released as soon as the work has ended.
    pub async fn hold<W, F>(&self, name: &str, stop: CancellationToken, mut work: W)
    where
        W: FnMut(CancellationToken) -> F,
        F: Future<Output = ()>,
    {
        let pause = (self.lease / 3).min(LONGEST_PAUSE);
        while !stop.is_cancelled() {
            let asked = Instant::now();
            match stop.run_until_cancelled(timeout(self.lease / 3, self.take(name))).await {
                Some(Ok(Ok(true))) => {
                    tracing::debug!(job = name, "Acquired the lease of a job");
                    let token = stop.child_token();
                    self.perform(name, asked, &token, work(token.clone())).await;
                }
                Some(Ok(Ok(false))) => (),
                Some(Ok(Err(error))) => tracing::debug!(job = name, %error, "The lease of a job cannot be acquired"),
                Some(Err(_)) => tracing::debug!(job = name, "The lease of a job cannot be acquired: no answer"),
                None => self.release(name).await,
            }
            stop.run_until_cancelled(sleep(pause)).await;
        }
    }

    /// Does the work until it ends, the token is cancelled, or the lease, requested at `asked`, is not renewed.
    async fn perform(&self, name: &str, mut asked: Instant, token: &CancellationToken, work: impl Future<Output = ()>) {
        let mut work = pin!(work);
        let is_ours = tokio::select! {
            () = &mut work => return self.release(name).await,
            () = token.cancelled() => true,
            () = self.renew(name, &mut asked) => false,
        };
        token.cancel();
        if timeout_at(asked + self.lease, work).await.is_err() {
            tracing::warn!(job = name, "A job did not end in time and is dropped");
        }
        if is_ours {
            self.release(name).await;
        }
    }

    /// Renews the lease and updates `asked`, until another process has the lease or no time is left.
    async fn renew(&self, name: &str, asked: &mut Instant) {
        let mut pause = self.lease / 3;
        loop {
            let renewed = async {
                sleep(pause).await;
                (Instant::now(), self.take(name).await)
            };
            match timeout_at(*asked + self.lease * 2 / 3, renewed).await {
                Ok((asking, Ok(true))) => (*asked, pause) = (asking, self.lease / 3),
                Ok((_, Ok(false))) => {
                    tracing::warn!(job = name, "Another process acquired the lease of a job");
                    return;
                }
                Ok((_, Err(error))) => {
                    tracing::debug!(job = name, %error, "The lease of a job could not be renewed");
                    pause = self.lease / 12;
                }
                Err(_) => {
                    tracing::warn!(job = name, "The lease of a job could not be renewed in time");
                    return;
                }
            }
        }
    }

    /// Acquires or renews the lease, and returns whether it is held. It then lasts at least from the time of the call.
    async fn take(&self, name: &str) -> Result<bool, sql::Error> {
        let now = self.database.engine().now();
        let sql = format!(
            "INSERT INTO duties (name, owner, expires_at) VALUES ($1, $2, {now} + $3) \
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at \
             WHERE duties.owner = excluded.owner OR duties.expires_at < {now}"
        );
        let lease = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
        Ok(self.database.execute(query(sql).bind(name).bind(self.owner).bind(lease)).await? > 0)
    }

    /// Releases the lease. If that fails, other processes wait until it expires.
    async fn release(&self, name: &str) {
        let sql = "DELETE FROM duties WHERE name = $1 AND owner = $2";
        let released = self.database.execute(query(sql).bind(name).bind(self.owner));
        match timeout(self.lease / 3, released).await {
            Ok(Ok(_)) => (),
            Ok(Err(error)) => {
                tracing::debug!(job = name, %error, "The lease of a job was not released and will expire")
            }
            Err(_) => tracing::debug!(job = name, "The lease of a job was not released and will expire"),
        }
    }
}
