//! Duties: work that one process at a time does, such as a reactor.
//!
//! A duty is a lease, no lock: when a process stands still for long, two may do the work for a moment, which must
//! be harmless.

use crate::now::now;
use sql::{Database, query};
use std::{pin::pin, time::Duration};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The longest pause between two looks at a duty that somebody else holds.
const LOOK: Duration = Duration::from_secs(1);

/// What a process needs to hold duties. Whether a lease has expired is judged by the database's clock.
#[derive(Clone, Debug)]
pub struct Duty {
    /// The read models, migrated.
    pub database: Database,
    /// This process's name, which no other has or had.
    pub owner: Uuid,
    /// How long the others wait for a holder that does not renew its lease. It is renewed three times as often, and
    /// the work is told to end when two thirds have passed without.
    pub lease: Duration,
}

impl Duty {
    /// Does `work` whenever this process holds the duty `name`, until `stop`. Several processes may want it; within
    /// one, a duty is wanted once.
    ///
    /// The token that `work` is given is cancelled on `stop`, and when the lease is lost or cannot be renewed: work
    /// that has not ended when the lease does is dropped. Work that ends by itself is begun again, here or elsewhere.
    /// On `stop` the duty is given up as soon as the work has ended, and is free for the others.
    pub async fn hold<W, F>(&self, name: &str, stop: CancellationToken, mut work: W)
    where
        W: FnMut(CancellationToken) -> F,
        F: Future<Output = ()>,
    {
        let pause = (self.lease / 3).min(LOOK);
        while !stop.is_cancelled() {
            let asked = Instant::now();
            match stop.run_until_cancelled(timeout(self.lease / 3, self.take(name))).await {
                Some(Ok(Ok(true))) => {
                    tracing::info!(duty = name, "This process has a duty");
                    let token = stop.child_token();
                    self.perform(name, asked, &token, work(token.clone())).await;
                }
                Some(Ok(Ok(false))) => (),
                Some(Ok(Err(error))) => tracing::debug!(duty = name, %error, "A duty cannot be taken"),
                Some(Err(_)) => tracing::debug!(duty = name, "A duty cannot be taken: no answer"),
                None => self.give_up(name).await,
            }
            stop.run_until_cancelled(sleep(pause)).await;
        }
    }

    /// Does the work until it ends, the token is cancelled, or the lease, asked for at `asked`, is not renewed.
    async fn perform(&self, name: &str, mut asked: Instant, token: &CancellationToken, work: impl Future<Output = ()>) {
        let mut work = pin!(work);
        let is_ours = tokio::select! {
            () = &mut work => return self.give_up(name).await,
            () = token.cancelled() => true,
            () = self.renew(name, &mut asked) => false,
        };
        token.cancel();
        if timeout_at(asked + self.lease, work).await.is_err() {
            tracing::warn!(duty = name, "Work did not end in time and is dropped");
        }
        if is_ours {
            self.give_up(name).await;
        }
    }

    /// Renews the lease, and moves `asked` on with it, until it is somebody else's or there is no time left.
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
                    tracing::warn!(duty = name, "A duty was lost to another process");
                    return;
                }
                Ok((_, Err(error))) => {
                    tracing::debug!(duty = name, %error, "A duty could not be renewed");
                    pause = self.lease / 12;
                }
                Err(_) => {
                    tracing::warn!(duty = name, "A duty could not be renewed in time");
                    return;
                }
            }
        }
    }

    /// Takes the lease, or renews it; answers whether it is held. It then lasts from when this was called, or longer.
    async fn take(&self, name: &str) -> Result<bool, sql::Error> {
        let now = now(self.database.engine());
        let sql = format!(
            "INSERT INTO duties (name, owner, expires_at) VALUES ($1, $2, {now} + $3) \
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at \
             WHERE duties.owner = excluded.owner OR duties.expires_at < {now}"
        );
        let lease = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
        Ok(self.database.execute(query(sql).bind(name).bind(self.owner).bind(lease)).await? > 0)
    }

    /// Lets the others have it at once; when that fails, they wait until the lease expires.
    async fn give_up(&self, name: &str) {
        let sql = "DELETE FROM duties WHERE name = $1 AND owner = $2";
        let given_up = self.database.execute(query(sql).bind(name).bind(self.owner));
        match timeout(self.lease / 3, given_up).await {
            Ok(Ok(_)) => (),
            Ok(Err(error)) => tracing::debug!(duty = name, %error, "A duty was not given up and expires by itself"),
            Err(_) => tracing::debug!(duty = name, "A duty was not given up and expires by itself"),
        }
    }
}
