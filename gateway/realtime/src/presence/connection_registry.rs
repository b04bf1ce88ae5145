//! Which users are online, with which devices, in which process: from shared leases and the sockets of this process.

use domain::{SessionId, UserId};
use graph::Graph;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// Finds the users who are online. Clones share it.
#[derive(Clone, Debug)]
pub struct ConnectionRegistry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None` where each process has a graph of its own: it knows nothing of the others' sockets.
    shared: Option<Graph>,
    /// This process.
    node: Uuid,
    /// The devices with a socket here, or that had one so recently that they may come back unnoticed.
    devices: Mutex<HashMap<UserId, BTreeSet<SessionId>>>,
}

/// Some of those who are here, each with their devices and the processes that hold their sockets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    people: BTreeMap<UserId, BTreeSet<(SessionId, Uuid)>>,
    /// Whether other processes were asked; otherwise only those with sockets of this one are known.
    pub everywhere: bool,
}

impl ConnectionRegistry {
    /// By the leases of `shared`, if processes share them, and by those of this process, `node`.
    #[must_use]
    pub fn new(shared: Option<Graph>, node: Uuid) -> Self {
        Self(Arc::new(Inner { shared, node, devices: Mutex::default() }))
    }

    /// This process.
    #[must_use]
    pub fn node(&self) -> Uuid {
        self.0.node
    }

    /// Those of `users` who are here. While the shared leases cannot be read, those of this process.
    pub async fn of(&self, users: &[UserId]) -> Found {
        let mut found = Found::default();
        if let Some(graph) = &self.0.shared {
            match graph.here(users).await {
                Ok(people) => found = Found { people, everywhere: true },
                Err(error) => tracing::debug!(error.cause = %error, "presence is that of this process alone"),
            }
        }
        let devices = self.devices();
        for user in users {
            let here = devices.get(user).into_iter().flatten().map(|device| (*device, self.0.node));
            let here: Vec<_> = here.collect();
            if !here.is_empty() {
                found.people.entry(*user).or_default().extend(here);
            }
        }
        found
    }

    /// Whether `user` has, or just had, a socket of this process.
    pub(super) fn has(&self, user: UserId) -> bool {
        self.devices().contains_key(&user)
    }

    /// The devices that have, or just had, a socket of this process.
    pub(super) fn here(&self) -> Vec<(UserId, SessionId)> {
        let devices = self.devices();
        devices.iter().flat_map(|(user, devices)| devices.iter().map(|device| (*user, *device))).collect()
    }

    /// A device of `user` has a socket here.
    pub(super) fn enters(&self, user: UserId, device: SessionId) {
        self.devices().entry(user).or_default().insert(device);
    }

    /// A device of `user` has none any more.
    pub(super) fn leaves(&self, user: UserId, device: SessionId) {
        let mut devices = self.devices();
        if let Some(of_user) = devices.get_mut(&user) {
            of_user.remove(&device);
            if of_user.is_empty() {
                devices.remove(&user);
            }
        }
    }

    fn devices(&self) -> MutexGuard<'_, HashMap<UserId, BTreeSet<SessionId>>> {
        self.0.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    /// Those who are here.
    pub fn people(&self) -> impl Iterator<Item = UserId> + '_ {
        self.people.keys().copied()
    }

    /// The devices with which `user` is here.
    #[must_use]
    pub fn devices(&self, user: UserId) -> BTreeSet<SessionId> {
        self.people.get(&user).into_iter().flatten().map(|(device, _)| *device).collect()
    }

    /// The least of the processes that hold sockets of `user`: so that of several, one does what is done once.
    #[must_use]
    pub fn first_node(&self, user: UserId) -> Option<Uuid> {
        self.people.get(&user).into_iter().flatten().map(|(_, node)| *node).min()
    }
}
