//! The hub: follows the log and puts each event into the outboxes of the connected users who receive it.
//!
//! `user` receives event `e` iff `e` is scope-wide and one of the user's intervals of `e.scope` contains
//! `e.position`, both ends included, or the user is in `e.about`: live, from the ring and from the store.

mod attached;
mod catch_up;
mod follow;
mod lifelines;
mod newer;
mod partings;
mod person;
mod reader;
mod revisions;
mod ring;
mod settings;
mod signals;
mod state;
mod sync;
#[cfg(test)]
mod tests;
mod watcher;
mod watches;

pub use attached::Attachment;
pub use catch_up::{Seat, Start};
pub use lifelines::Lifeline;
pub(crate) use partings::Doubt;
pub use settings::HubSettings;
pub use signals::SignalCounts;
pub use sync::SyncPage;
pub use watcher::{Watcher, Wished};

use crate::{
    cursor::{Cursors, Place, Stamp},
    push::Pushes,
    session::{Close, Outbox},
};
use broker::Marks;
use domain::{SessionId, UserId};
use event_store::{EventStore, ReadError};
use projections::{Queries, queries::QueryError};
use state::State;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, Semaphore, futures::Notified};
use uuid::Uuid;

/// Catch-ups that read the store at the same time, fewer than there are connections for them; others wait for their
/// turn.
const READERS: usize = 3;

/// Between two sockets that are sent away.
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// The hub of a gateway. Clones share it.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    /// The log, over connections that only those who catch up use.
    store: EventStore,
    cursors: Cursors,
    pushes: Pushes,
    /// The same for live events, which do not wait behind those who catch up.
    live: Pushes,
    /// The log, over connections that only following uses.
    reserved: EventStore,
    /// What people cleared.
    queries: Queries,
    settings: HubSettings,
    state: Mutex<State>,
    signals: signals::Counters,
    unreadable: newer::Unreadable,
    readers: Semaphore,
    /// A socket came or left.
    moved: Notify,
    /// Somebody may no longer see whom they watch.
    doubted: Notify,
}

impl Hub {
    /// A hub that knows of nobody and stands at the head of the log; [`Hub::follow`] moves it on.
    ///
    /// # Errors
    /// [`ReadError`] when the head cannot be read.
    pub async fn open(store: EventStore, queries: Queries, settings: HubSettings) -> Result<Self, ReadError> {
        let ((head, digest), _) = store.digests(0).await?;
        let cursors = Cursors::of(&store);
        let place = Place::at(head, Stamp::of(&digest));
        let state = Mutex::new(State::new(cursors.clone(), place, &settings));
        let reserved = store.reserved();
        let store = store.catching_up();
        let pushes = Pushes::new(store.clone());
        let live = pushes.over(reserved.clone());
        let (readers, moved, doubted) = (Semaphore::new(READERS), Notify::new(), Notify::new());
        let (signals, unreadable) = (signals::Counters::default(), newer::Unreadable::new());
        let inner = Inner {
            store,
            cursors,
            reserved,
            pushes,
            live,
            queries,
            settings,
            state,
            signals,
            unreadable,
            readers,
            moved,
            doubted,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// What a socket, a user and this hub may take up.
    #[must_use]
    pub fn settings(&self) -> &HubSettings {
        &self.0.settings
    }

    /// How far it has handled the log.
    #[must_use]
    pub fn marks(&self) -> Marks {
        self.state().place.marks
    }

    /// How many sockets are connected.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.state().sockets()
    }

    /// Whether sockets are being sent away, for the process ends.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.state().draining
    }

    /// Whether a session has a socket here that hears of events.
    #[must_use]
    pub fn has_session(&self, user: UserId, session: SessionId) -> bool {
        self.state().joined(user.0).any(|seat| seat.session == session)
    }

    /// Ends once a socket has come or left since this was called.
    pub fn moved(&self) -> Notified<'_> {
        self.0.moved.notified()
    }

    /// The sessions that have a socket here that hears of events, and what ends once that is no longer so.
    pub fn sessions(&self) -> (HashSet<(UserId, SessionId)>, Notified<'_>) {
        let moved = self.0.moved.notified();
        (self.state().sessions(), moved)
    }

    /// The sessions that ended since this was last asked, of those that had a socket here: they do not come back.
    pub(crate) fn take_ended(&self) -> HashSet<(UserId, SessionId)> {
        self.state().take_ended()
    }

    /// Those of `users` who have a socket here.
    #[must_use]
    pub fn here_of(&self, users: &[UserId]) -> Vec<UserId> {
        self.state().here_of(users)
    }

    /// Seats a socket of a signed-in device. From here on the hub closes it when the session ends or the
    /// account is blocked; it hears of events once it has caught up.
    #[must_use]
    pub fn seat(&self, user: UserId, session: SessionId, outbox: Arc<Outbox>) -> Seat {
        let dialect = outbox.dialect();
        let id = self.state().seat(user.0, session, outbox, self.0.settings.sockets_per_user);
        self.0.moved.notify_waiters();
        Seat::new(self.clone(), user.0, id, dialect)
    }

    /// Closes all sockets, spread over a time so that their clients do not come back all at once, and those
    /// that still come; returns when none is left.
    pub async fn drain(&self, over: Duration) {
        let outboxes = {
            let mut state = self.state();
            state.draining = true;
            state.outboxes()
        };
        let each = over / u32::try_from(outboxes.len().max(1)).unwrap_or(u32::MAX);
        let pause = each.min(LONGEST_PAUSE);
        for outbox in outboxes {
            outbox.close(Close::Restarting);
            tokio::time::sleep(pause).await;
        }
        loop {
            let moved = self.0.moved.notified();
            if self.sockets() == 0 {
                return;
            }
            moved.await;
        }
    }

    /// What somebody cleared, by the read models.
    async fn cleared(&self, user: UserId) -> Result<impl Iterator<Item = (Uuid, u64)>, ReadError> {
        let cleared = self.0.queries.cleared(user).await;
        let cleared = cleared.map_err(|error| match error {
            QueryError::Sql(error) => ReadError::Unavailable(error),
            error => ReadError::Damaged(error.to_string()),
        })?;
        Ok(cleared.into_iter().map(|(conversation, seq)| (conversation.0, seq)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
