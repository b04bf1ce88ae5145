//! Session leases in memory: who is here, until when.

use domain::{SessionId, Timestamp, UserId};
use std::collections::{BTreeMap, HashMap};

/// The leases of each user's sessions; a user without one is not here.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    users: HashMap<UserId, BTreeMap<SessionId, Timestamp>>,
}

impl Leases {
    pub(crate) fn lease(&mut self, user: UserId, session: SessionId, until: Timestamp) {
        let lease = self.users.entry(user).or_default().entry(session).or_insert(until);
        *lease = until.max(*lease);
    }

    pub(crate) fn release(&mut self, user: UserId, session: SessionId) {
        self.keep(user, |lease, _| lease != session);
    }

    pub(crate) fn sessions(&mut self, user: UserId, now: Timestamp) -> Vec<SessionId> {
        self.keep(user, |_, until| until > now);
        self.users.get(&user).map(|leases| leases.keys().copied().collect()).unwrap_or_default()
    }

    pub(crate) fn expire(&mut self, now: Timestamp) -> Vec<UserId> {
        let gone = self.users.extract_if(|_, leases| {
            leases.retain(|_, until| *until > now);
            leases.is_empty()
        });
        let mut gone: Vec<_> = gone.map(|(user, _)| user).collect();
        gone.sort_unstable();
        gone
    }

    fn keep(&mut self, user: UserId, mut good: impl FnMut(SessionId, Timestamp) -> bool) {
        if let Some(leases) = self.users.get_mut(&user) {
            leases.retain(|session, until| good(*session, *until));
            if leases.is_empty() {
                self.users.remove(&user);
            }
        }
    }
}
