//! What a socket wants to hear of.

use super::Hub;
use domain::UserId;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The socket of a seat, as one that wants to hear how people are here.
#[derive(Clone)]
pub struct Watcher {
    hub: Hub,
    user: Uuid,
    seat: u64,
}

/// What became of the wish to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wished {
    /// The socket watches them from now on.
    Granted,
    /// A tie of its owner has ended meanwhile: who may be watched is to be found out anew.
    Stale,
    /// The sockets of this process watch as many people as they may.
    Full,
}

impl Watcher {
    pub(super) const fn new(hub: Hub, user: Uuid, seat: u64) -> Self {
        Self { hub, user, seat }
    }

    /// How many ties of the socket's owner have ended while they are connected.
    #[must_use]
    pub fn partings(&self) -> u64 {
        self.hub.state().partings(self.user)
    }

    /// Watches these people and no others, unless a relation of the owner has ended since [`Watcher::partings`]: the
    /// right to watch them was decided after that.
    #[must_use]
    pub fn watch(&self, subjects: &BTreeSet<UserId>, partings: u64) -> Wished {
        let mut state = self.hub.state();
        if state.partings(self.user) != partings {
            return Wished::Stale;
        }
        if !state.has_seat(self.user, self.seat) {
            return Wished::Granted;
        }
        let subjects = subjects.iter().map(|user| user.0).collect();
        state.watches.set((self.user, self.seat), subjects).map_or(Wished::Full, |()| Wished::Granted)
    }

    /// How many presence changes of watched people the socket received.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.hub.state().watches.received(self.seat)
    }
}
