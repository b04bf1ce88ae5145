//! Session leases: who is here, until when, and which process holds the socket. And those in memory.

use domain::{SessionId, Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// What a lease is for: a session in a process. A session may have sockets in two.
pub(crate) type Name = (SessionId, Uuid);

/// The leases of each user's sessions; a user without one is not here.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    users: HashMap<UserId, BTreeMap<Name, Timestamp>>,
}

impl Leases {
    pub(crate) fn lease(&mut self, user: UserId, name: Name, until: Timestamp) {
        let lease = self.users.entry(user).or_default().entry(name).or_insert(until);
        *lease = until.max(*lease);
    }

    pub(crate) fn release(&mut self, user: UserId, name: Name) {
        if let Some(leases) = self.users.get_mut(&user) {
            leases.remove(&name);
            if leases.is_empty() {
                self.users.remove(&user);
            }
        }
    }

    /// The leases of `user` that hold at `now`.
    pub(crate) fn held(&self, user: UserId, now: Timestamp) -> BTreeSet<Name> {
        let leases = self.users.get(&user).into_iter().flatten();
        leases.filter(|(_, until)| **until > now).map(|(name, _)| *name).collect()
    }

    /// How many users have a lease that holds at `now`.
    pub(crate) fn count(&self, now: Timestamp) -> u64 {
        self.users.values().filter(|leases| leases.values().any(|until| *until > now)).count() as u64
    }

    pub(crate) fn expire(&mut self, now: Timestamp) -> BTreeSet<UserId> {
        let gone = self.users.extract_if(|_, leases| {
            leases.retain(|_, until| *until > now);
            leases.is_empty()
        });
        gone.map(|(user, _)| user).collect()
    }
}
