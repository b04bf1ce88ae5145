//! Watches that a tie stood behind which has ended: they go on only if another is left.

use super::Presences;
use crate::hub::{Hub, WatchToRecheck};
use broker::Signal;
use domain::UserId;
use protocol::{Problem, resource::Presence};
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Until it is tried again to find out what could not be.
const PAUSE: Duration = Duration::from_secs(1);

/// Checks until `stop` whether watches that lost a relation have another one left. Until then they receive nothing.
pub async fn recheck_watches(presences: Presences, hub: Hub, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let (watches, more) = hub.watches_to_recheck();
        if watches.is_empty() {
            stop.run_until_cancelled(more).await;
            continue;
        }
        let mut failed = false;
        for watch in &watches {
            if let Err(problem) = presences.recheck(&hub, watch).await {
                tracing::debug!(error.cause = %problem.detail, "whether somebody may still watch is found out later");
                hub.recheck_later(watch);
                failed = true;
            }
        }
        if failed {
            stop.run_until_cancelled(sleep(PAUSE)).await;
        }
    }
}

impl Presences {
    async fn recheck(&self, hub: &Hub, watch: &WatchToRecheck) -> Result<(), Problem> {
        let (watcher, subjects) = watch;
        let seen = self.visible(*watcher, subjects).await?;
        let missed = hub.settle(watch, &seen);
        let users: Vec<UserId> = missed.iter().map(|(user, _)| *user).collect();
        if users.is_empty() {
            return Ok(());
        }
        let looked = self.look(&users).await?;
        for (user, seats) in missed {
            let presence = Presence::of(user, looked.effective(user).visible);
            let now = self.0.clock.own();
            let data = serde_json::to_value(presence).map_err(Problem::internal)?;
            let signal = Signal {
                users: vec![watcher.0],
                from: Some(user.0),
                sent_at: Some(self.now().millis()),
                ..Signal::new("presence", data, now.millis().saturating_add(self.0.worth_ms))
            };
            hub.tell_seats(*watcher, &seats, &signal, now);
        }
        Ok(())
    }
}
