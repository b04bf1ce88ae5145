//! The hub as its clones share it.

use super::{counters::Counters, meters::Meters, state::State, unreadable::Unreadable};
use crate::{
    outbox::{Backlog, Dialect, Outbox},
    push::Pushes,
};
use broker::Marks;
use config::SocketSettings;
use domain::{SessionId, UserId};
use event_store::{EventStore, ReadError};
use projections::{Queries, queries::QueryError};
use protocol::{
    Close,
    cursor::{Cursors, Place, Stamp},
};
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
pub struct Hub(pub(super) Arc<Inner>);

/// What the clones share.
pub(super) struct Inner {
    /// The log, over connections that only those who catch up use.
    pub(super) store: EventStore,
    pub(super) cursors: Cursors,
    pub(super) pushes: Pushes,
    /// The same for live events, which do not wait behind those who catch up.
    pub(super) live: Pushes,
    /// The log, over connections that only following uses.
    pub(super) reserved: EventStore,
    /// What people cleared.
    pub(super) queries: Queries,
    pub(super) settings: SocketSettings,
    pub(super) backlog: Backlog,
    pub(super) state: Mutex<State>,
    pub(super) signals: Counters,
    pub(super) meters: Meters,
    pub(super) unreadable: Unreadable,
    pub(super) readers: Semaphore,
    /// A socket came or left.
    pub(super) moved: Notify,
    /// Somebody may no longer see whom they watch.
    pub(super) doubted: Notify,
}

impl Hub {
    /// A hub that knows of nobody and stands at the head of the log; [`Hub::follow`] moves it on.
    ///
    /// # Errors
    /// [`ReadError`] when the head cannot be read.
    pub async fn open(store: EventStore, queries: Queries, settings: SocketSettings) -> Result<Self, ReadError> {
        let ((head, digest), _) = store.digests(0).await?;
        let cursors = Cursors::of(&store);
        let place = Place::at(head, Stamp::of(&digest));
        let state = Mutex::new(State::new(cursors.clone(), place, &settings));
        let reserved = store.reserved();
        let store = store.catching_up();
        let pushes = Pushes::new(store.clone());
        let live = pushes.over(reserved.clone());
        let (readers, moved, doubted) = (Semaphore::new(READERS), Notify::new(), Notify::new());
        let (signals, meters, unreadable) = (Counters::default(), Meters::new(), Unreadable::new());
        let inner = Inner {
            store,
            cursors,
            reserved,
            pushes,
            live,
            queries,
            backlog: Backlog::new(settings.backlog_bytes),
            settings,
            state,
            signals,
            meters,
            unreadable,
            readers,
            moved,
            doubted,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// What a socket, a user and this hub may take up.
    #[must_use]
    pub fn settings(&self) -> &SocketSettings {
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

    /// Whether somebody has this socket here, and it receives events.
    #[must_use]
    pub fn has_socket(&self, user: UserId, socket: Uuid) -> bool {
        self.state().joined(user.0).any(|seat| seat.outbox.socket() == socket)
    }

    /// Ends once a socket has come or left since this was called.
    pub fn moved(&self) -> Notified<'_> {
        self.0.moved.notified()
    }

    /// The sessions with a socket here that receives events, and a future that ends once they change.
    pub fn sessions(&self) -> (HashSet<(UserId, SessionId)>, Notified<'_>) {
        let moved = self.0.moved.notified();
        (self.state().sessions(), moved)
    }

    /// The sessions that ended since this was last asked, of those that had a socket here: they do not come back.
    pub fn take_ended(&self) -> HashSet<(UserId, SessionId)> {
        self.state().take_ended()
    }

    /// Those of `users` who have a socket here.
    #[must_use]
    pub fn here_of(&self, users: &[UserId]) -> Vec<UserId> {
        self.state().here_of(users)
    }

    /// An outbox for the socket of this name.
    #[must_use]
    pub fn outbox(&self, dialect: Dialect, socket: Uuid) -> Outbox {
        Outbox::counting(self.0.settings.outbox_bytes, dialect, socket, self.0.backlog.clone())
    }

    /// What waits for all sockets here, in bytes.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.0.backlog.bytes()
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
    pub(super) async fn cleared(&self, user: UserId) -> Result<impl Iterator<Item = (Uuid, u64)>, ReadError> {
        let cleared = self.0.queries.cleared(user).await;
        let cleared = cleared.map_err(|error| match error {
            QueryError::Sql(error) => ReadError::Unavailable(error),
            error => ReadError::Damaged(error.to_string()),
        })?;
        Ok(cleared.into_iter().map(|(conversation, seq)| (conversation.0, seq)))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
