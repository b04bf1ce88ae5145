//! Session leases in memory: which users are online, until when, and in which processes.

use domain::{SessionId, UserId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// The name of a lease: a session in a process. A session may have sockets in two processes.
pub(crate) type Name = (SessionId, Uuid);

/// The end of a lease, by a monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lease {
    Until(Instant),
    /// Beyond the range of the clock.
    ForEver,
}

impl Lease {
    pub(crate) fn of(lasts: Duration) -> Self {
        Instant::now().checked_add(lasts).map_or(Self::ForEver, Self::Until)
    }

    fn holds(&self, now: Instant) -> bool {
        *self > Self::Until(now)
    }
}

/// The leases of each user's sessions; a user without one is offline.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    users: HashMap<UserId, BTreeMap<Name, Lease>>,
}

impl Leases {
    pub(crate) fn lease(&mut self, user: UserId, name: Name, until: Lease) {
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

    /// The unexpired leases of `user`.
    pub(crate) fn held(&self, user: UserId) -> BTreeSet<Name> {
        let now = Instant::now();
        let leases = self.users.get(&user).into_iter().flatten();
        leases.filter(|(_, until)| until.holds(now)).map(|(name, _)| *name).collect()
    }

    /// The number of users with an unexpired lease.
    pub(crate) fn count(&self) -> u64 {
        let now = Instant::now();
        self.users.values().filter(|leases| leases.values().any(|until| until.holds(now))).count() as u64
    }

    pub(crate) fn expire(&mut self) -> BTreeSet<UserId> {
        let now = Instant::now();
        let gone = self.users.extract_if(|_, leases| {
            leases.retain(|_, until| until.holds(now));
            leases.is_empty()
        });
        gone.map(|(user, _)| user).collect()
    }
}
