//! Telling how people are here, when that has changed.

use super::{
    Presences, Shown,
    presences::{Looked, WORTH_MS},
};
use crate::{Problem, resource::Presence};
use broker::Signal;
use domain::{Timestamp, UserId};
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// People looked at together.
const TOGETHER: usize = 256;
/// How long until somebody is looked at again of whom nothing could be found out, or told.
const AGAIN_MS: i64 = 1_000;
/// How long a process waits for the one that tells what has lapsed, in milliseconds, before it does.
const LATE_MS: i64 = 1_000;
/// Nobody is due: looked again all the same, should a clock have been set.
const IDLE: Duration = Duration::from_secs(5);

impl Presences {
    /// Tells what has changed, until `stop`.
    pub(crate) async fn tell_news(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.tell_due().await;
            let now = self.now().millis();
            let due = self.told().next().map(|at| at.millis().saturating_sub(now).max(0).unsigned_abs());
            let pause = due.map_or(IDLE, |millis| Duration::from_millis(millis).min(IDLE));
            tokio::select! {
                () = sleep(pause) => (),
                () = self.0.nudge.notified() => (),
                () = stop.cancelled() => (),
            }
        }
    }

    /// Hears what is told of somebody. If their socket is here, it is right, or is corrected. Answers whether it is to
    /// be told here: two processes may have found out the same at once.
    pub(crate) fn hear(&self, signal: &Signal) -> bool {
        if signal.name != "presence" {
            return true;
        }
        let Some(user) = signal.from.map(UserId) else {
            // What somebody chose on one device is told to the others: here, too, it is to be known how they stand.
            let chose = signal.users.iter().copied().map(UserId).filter(|user| self.0.here.has(*user));
            self.look_at(chose, self.now());
            return true;
        };
        let Some(shown) = Presence::read(&signal.data) else { return true };
        // Who does not say when has a clock of its own.
        let at = Timestamp::from_millis(signal.told_at.unwrap_or(signal.expires_at - WORTH_MS));
        let is_news = self.told().heard(user, &shown, at);
        if is_news && self.0.here.has(user) {
            self.look_at([user], self.now());
        }
        let lately = |then: &Timestamp| (at.millis() - then.millis()).abs() < LATE_MS;
        let was = self.0.relayed.get(&user).filter(|(known, then)| known.looks_like(&shown) && lately(then));
        if was.is_none() {
            self.0.relayed.insert(user, (shown, at));
        }
        was.is_none()
    }

    async fn tell_due(&self) {
        loop {
            let now = self.now();
            let users = self.told().take(now, TOGETHER);
            if users.is_empty() {
                return;
            }
            let again = Timestamp::from_millis(now.millis() + AGAIN_MS);
            let looked = match self.look(&users).await {
                Ok(looked) => looked,
                Err(error) => {
                    tracing::debug!(error.cause = %error, "presence is told later");
                    self.look_at(users, again);
                    return;
                }
            };
            for user in users {
                if !self.tell_if_news(user, &looked, now).await {
                    self.told().look_at(user, again);
                }
            }
        }
    }

    /// Answers whether that is done, one way or the other.
    async fn tell_if_news(&self, user: UserId, looked: &Looked, now: Timestamp) -> bool {
        let standing = looked.standing(user);
        let is_first = looked.found.first_node(user).is_none_or(|first| first == self.0.here.node());
        let late = if is_first { 0 } else { LATE_MS };
        if !self.told().is_news(user, &standing, late, now) {
            return true;
        }
        match self.tell(user, &standing.shown, looked.found.everywhere, now).await {
            Ok(true) => {
                self.told().told(user, standing.shown, now);
                true
            }
            Ok(false) => false,
            Err(problem) => {
                tracing::debug!(error.cause = %problem.detail, "presence is told later");
                false
            }
        }
    }

    /// Tells those who are told unasked, and in each process those who subscribed. Answers whether it was not shed.
    async fn tell(&self, user: UserId, shown: &Shown, everywhere: bool, now: Timestamp) -> Result<bool, Problem> {
        let onlookers = self.0.circle.onlookers(user).await?;
        let signal = Signal {
            name: "presence".to_owned(),
            scope: None,
            users: onlookers.into_iter().map(|user| user.0).collect(),
            from: Some(user.0),
            from_session: None,
            to_session: None,
            within: None,
            except: Vec::new(),
            told_at: Some(now.millis()),
            data: serde_json::to_value(Presence::of(user, shown.clone())).map_err(Problem::internal)?,
            expires_at: self.0.clock.own().millis() + WORTH_MS,
        };
        let own = [self.0.here.node()];
        Ok(self.0.signals.tell_nodes(signal, if everywhere { None } else { Some(&own) }))
    }
}
