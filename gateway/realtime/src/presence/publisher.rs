//! Publishing changes of presence.

use super::{Presences, service::Looked};
use broker::Signal;
use domain::{Timestamp, UserId};
use protocol::{
    Problem,
    resource::{Presence, VisiblePresence},
};
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// People looked at together.
const TOGETHER: usize = 256;
/// The pause before a person is looked at again whose presence could not be read or published, in milliseconds.
const AGAIN_MS: i64 = 1_000;
/// How long a process waits for the one that publishes what has lapsed, in milliseconds, before it does.
pub(super) const LATE_MS: i64 = 1_000;
/// Nobody is due: looked again all the same, should a clock have been set.
const IDLE: Duration = Duration::from_secs(5);

/// Publishes changes of presence to those who may see them.
pub struct PresencePublisher(Presences);

impl PresencePublisher {
    /// Publishes what `presences` knows.
    #[must_use]
    pub const fn new(presences: Presences) -> Self {
        Self(presences)
    }

    /// Publishes changes until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Self(presences) = self;
        while !stop.is_cancelled() {
            presences.publish_due().await;
            let now = presences.now().millis();
            let due = presences.schedule().next().map(|at| at.millis().saturating_sub(now).max(0).unsigned_abs());
            let pause = due.map_or(IDLE, |millis| Duration::from_millis(millis).min(IDLE));
            tokio::select! {
                () = sleep(pause) => (),
                () = presences.0.wake.notified() => (),
                () = stop.cancelled() => (),
            }
        }
    }
}

impl Presences {
    async fn publish_due(&self) {
        loop {
            let now = self.now();
            let users = self.schedule().take(now, TOGETHER);
            if users.is_empty() {
                return;
            }
            let again = Timestamp::from_millis(now.millis() + AGAIN_MS);
            let looked = match self.look(&users).await {
                Ok(looked) => looked,
                Err(error) => {
                    tracing::debug!(error.cause = %error, "presence is published later");
                    self.look_at(users, again);
                    return;
                }
            };
            for user in users {
                if !self.publish_if_due(user, &looked, now).await {
                    self.schedule().look_at(user, again);
                }
            }
        }
    }

    /// Answers whether that is done, one way or the other.
    async fn publish_if_due(&self, user: UserId, looked: &Looked, now: Timestamp) -> bool {
        let effective = looked.effective(user);
        let is_first = looked.found.first_node(user).is_none_or(|first| first == self.0.connections.node());
        let late = if is_first { 0 } else { LATE_MS };
        if !self.schedule().check_due(user, &effective, late, now) {
            return true;
        }
        match self.publish(user, &effective.visible, looked.found.everywhere, now).await {
            Ok(true) => {
                self.schedule().record(user, effective.visible, now);
                true
            }
            Ok(false) => false,
            Err(problem) => {
                tracing::debug!(error.cause = %problem.detail, "presence is published later");
                false
            }
        }
    }

    /// Publishes to the presence audience, and to the subscribers of each process. Answers false when it was shed.
    async fn publish(
        &self,
        user: UserId,
        visible: &VisiblePresence,
        everywhere: bool,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        let onlookers = self.0.audience.onlookers(user).await?;
        let data = serde_json::to_value(Presence::of(user, visible.clone())).map_err(Problem::internal)?;
        let signal = Signal {
            users: onlookers.into_iter().map(|user| user.0).collect(),
            from: Some(user.0),
            sent_at: Some(now.millis()),
            ..Signal::new("presence", data, self.0.clock.own().millis().saturating_add(self.0.worth_ms))
        };
        let own = [self.0.connections.node()];
        Ok(self.0.signals.tell_nodes(signal, if everywhere { None } else { Some(&own) }))
    }
}
