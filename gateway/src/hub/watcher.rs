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

impl Watcher {
    pub(super) const fn new(hub: Hub, user: Uuid, seat: u64) -> Self {
        Self { hub, user, seat }
    }

    /// How often a block has come between two people so far.
    #[must_use]
    pub fn partings(&self) -> u64 {
        self.hub.state().watches.partings()
    }

    /// From now on it hears of these people and no others, if no block has come between two people since
    /// [`Watcher::partings`] said so: who may be watched was found out after it. Answers whether that is so.
    #[must_use]
    pub fn watch(&self, subjects: &BTreeSet<UserId>, partings: u64) -> bool {
        let mut state = self.hub.state();
        if state.watches.partings() != partings {
            return false;
        }
        if state.has_seat(self.user, self.seat) {
            state.watches.set((self.user, self.seat), subjects.iter().map(|user| user.0).collect());
        }
        true
    }

    /// How often it was told something of whom it watches.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.hub.state().watches.told(self.seat)
    }
}
