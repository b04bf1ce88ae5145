//! Publishing changes of presence.

use super::{
    Presences,
    service::{Looked, WORTH_MS},
};
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
/// How long a process waits for the one that tells what has lapsed, in milliseconds, before it does.
const LATE_MS: i64 = 1_000;
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
            presences.tell_due().await;
            let now = presences.now().millis();
            let due = presences.published().next().map(|at| at.millis().saturating_sub(now).max(0).unsigned_abs());
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
    /// Receives a published presence and checks it if the person has a socket here. Answers whether to relay it: two
    /// processes may publish the same change at once.
    pub fn hear(&self, signal: &Signal) -> bool {
        if signal.name != "presence" {
            return true;
        }
        let Some(user) = signal.from.map(UserId) else {
            // A preference set on one device goes to the others, and this process looks at the effective presence, too.
            let chose = signal.users.iter().copied().map(UserId).filter(|user| self.0.here.has(*user));
            self.look_at(chose, self.now());
            return true;
        };
        let Some(shown) = Presence::read(&signal.data) else { return true };
        // Who does not say when has a clock of its own.
        let at = Timestamp::from_millis(signal.sent_at.unwrap_or(signal.expires_at - WORTH_MS));
        let is_news = self.published().observe(user, &shown, at);
        if is_news && self.0.here.has(user) {
            self.look_at([user], self.now());
        }
        let is_recent = |then: &Timestamp| (at.millis() - then.millis()).abs() < LATE_MS;
        let was = self.0.relayed.get(&user).filter(|(known, then)| known.looks_like(&shown) && is_recent(then));
        if was.is_none() {
            self.0.relayed.insert(user, (shown, at));
        }
        was.is_none()
    }

    async fn tell_due(&self) {
        loop {
            let now = self.now();
            let users = self.published().take(now, TOGETHER);
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
                if !self.tell_if_news(user, &looked, now).await {
                    self.published().look_at(user, again);
                }
            }
        }
    }

    /// Answers whether that is done, one way or the other.
    async fn tell_if_news(&self, user: UserId, looked: &Looked, now: Timestamp) -> bool {
        let standing = looked.effective(user);
        let is_first = looked.found.first_node(user).is_none_or(|first| first == self.0.here.node());
        let late = if is_first { 0 } else { LATE_MS };
        if !self.published().is_news(user, &standing, late, now) {
            return true;
        }
        match self.tell(user, &standing.shown, looked.found.everywhere, now).await {
            Ok(true) => {
                self.published().record(user, standing.shown, now);
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
    async fn tell(
        &self,
        user: UserId,
        shown: &VisiblePresence,
        everywhere: bool,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        let onlookers = self.0.circle.onlookers(user).await?;
        let data = serde_json::to_value(Presence::of(user, shown.clone())).map_err(Problem::internal)?;
        let signal = Signal {
            users: onlookers.into_iter().map(|user| user.0).collect(),
            from: Some(user.0),
            sent_at: Some(now.millis()),
            ..Signal::new("presence", data, self.0.clock.own().millis() + WORTH_MS)
        };
        let own = [self.0.here.node()];
        Ok(self.0.signals.tell_nodes(signal, if everywhere { None } else { Some(&own) }))
    }
}
