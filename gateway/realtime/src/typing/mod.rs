//! Typing indicators: sent to the others of a conversation a little late rather than often, and expiring.

mod typists;

use crate::{SignalRouter, hub::Hub, presence::Presences};
use broker::Signal;
use domain::{ConversationId, SessionId, Timestamp, UserId};
use protocol::Typing;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use typists::{Change, Full, Keyboard, Typists};
use uuid::Uuid;

/// Longer than nothing falls due.
const IDLE: Duration = Duration::from_secs(3_600);

/// Those who type on sockets of this process. Clones share them.
#[derive(Clone)]
pub struct TypingIndicators(Arc<Inner>);

struct Inner {
    typists: Mutex<Typists>,
    signals: SignalRouter,
    presences: Presences,
    clock: fn() -> Timestamp,
    /// How long it is worth telling, in milliseconds.
    worth_ms: i64,
    began: Instant,
    wake: Notify,
}

impl TypingIndicators {
    /// Nobody yet; what they do is sent on for as long as it is `worth` it. Within a tokio runtime.
    #[must_use]
    pub fn new(signals: SignalRouter, presences: Presences, clock: fn() -> Timestamp, worth: Duration) -> Self {
        let (typists, wake) = Default::default();
        let worth_ms = i64::try_from(worth.as_millis()).unwrap_or(i64::MAX);
        Self(Arc::new(Inner { typists, signals, presences, clock, worth_ms, began: Instant::now(), wake }))
    }

    /// Somebody, who may, types in a conversation, on this socket of a session.
    pub async fn start(&self, conversation: ConversationId, user: UserId, session: SessionId, socket: Uuid) {
        let started = self.typists().start((conversation, user), Keyboard { session, socket }, self.now());
        match started {
            Ok(change) => self.tell(change).await,
            Err(Full) => self.0.signals.count_shed(),
        }
        self.0.wake.notify_one();
    }

    /// Somebody has stopped: by saying so, by what they sent, by leaving.
    pub async fn stop(&self, conversation: ConversationId, user: UserId) {
        let change = self.typists().stop((conversation, user), self.now());
        self.tell(change).await;
        self.0.wake.notify_one();
    }

    /// Somebody has stopped wherever they typed, as if they had gone.
    pub async fn stop_all(&self, user: UserId) {
        let stopped = self.typists().stop_gone(|other, _| other == user, self.now());
        self.tell(stopped).await;
        self.0.wake.notify_one();
    }

    /// Somebody has left and may no longer type there. No end of their typing is sent.
    pub fn leave(&self, conversation: ConversationId, user: UserId) {
        self.typists().leave((conversation, user));
    }

    /// Tells what falls due, and that those whose sockets have gone type no more, until `stop`.
    pub async fn run(self, hub: Hub, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let moved = hub.moved();
            let gone = self.typists().stop_gone(|user, keyboard| !hub.has_socket(user, keyboard.socket), self.now());
            self.tell(gone).await;
            let due = self.typists().due(self.now());
            self.tell(due).await;
            let next = self.typists().next().map(|at| at.millis() - self.now().millis());
            let pause = next.map_or(IDLE, |millis| Duration::from_millis(millis.max(0).unsigned_abs()));
            tokio::select! {
                () = sleep(pause) => (),
                () = self.0.wake.notified() => (),
                () = moved => (),
                () = stop.cancelled() => (),
            }
        }
    }

    async fn tell(&self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            let Change { conversation, user, keyboard, is_typing } = change;
            // Across a block nobody receives the other's indicator; while blocks cannot be read, nobody receives any.
            let Ok(except) = self.0.presences.blocked_either_way(user).await else {
                self.typists().unpublished(change, self.now());
                continue;
            };
            let typing = Typing { conversation_id: conversation.0, user_id: user.0, is_typing };
            let data = serde_json::to_value(typing).unwrap_or_default();
            let signal = Signal {
                scope: Some(conversation.0),
                // Their other sockets receive it as well.
                from: Some(user.0),
                from_session: Some(keyboard.session.0),
                from_socket: Some(keyboard.socket),
                except,
                ..Signal::new("typing", data, (self.0.clock)().millis().saturating_add(self.0.worth_ms))
            };
            if !self.0.signals.tell(signal).await {
                self.typists().unpublished(change, self.now());
            }
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    fn typists(&self) -> MutexGuard<'_, Typists> {
        self.0.typists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
