//! The sessions that are polled: found by their sid, and bounded, for they outlive their connections.

use crate::{Settings, polling::Request};
use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard, mpsc};

/// Requests of one session that wait for its task; others wait to be among them.
const WAITING: usize = 8;

/// The sessions that are polled. Clones share them.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    open: Mutex<Open>,
    settings: Settings,
}

/// Where a session that is polled is asked.
#[derive(Clone)]
pub struct Asked {
    pub(crate) requests: mpsc::Sender<Request>,
    /// Held by the POST that is under way.
    posting: Arc<Turn<()>>,
}

#[derive(Default)]
struct Open {
    by_sid: HashMap<String, Asked>,
    /// Those of each address whose client has not shown its credentials, the oldest first.
    strangers: HashMap<Option<IpAddr>, VecDeque<String>>,
}

/// A session among those that are polled, until this is dropped.
pub(crate) struct Place {
    sessions: Sessions,
    sid: String,
    ip: Option<IpAddr>,
    is_stranger: bool,
}

impl Asked {
    /// One POST at a time is under way; `None` for a second one.
    pub(crate) fn post(&self) -> Option<OwnedMutexGuard<()>> {
        Arc::clone(&self.posting).try_lock_owned().ok()
    }
}

impl Sessions {
    /// None yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner { open: Mutex::default(), settings }))
    }

    /// What they may take up.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// A new session of somebody unknown at this address; `None` when there are too many already. It is strangers who make
    /// room: the oldest of this address when it has as many as it may, else the oldest of the address that has most. An
    /// honest client shows its credentials long before, so that nobody keeps others out by opening sessions.
    pub(crate) fn place(&self, sid: String, ip: Option<IpAddr>) -> Option<(Place, mpsc::Receiver<Request>)> {
        let settings = &self.0.settings;
        let (requests, receiver) = mpsc::channel(WAITING);
        let mut open = self.lock();
        let here = open.strangers.get(&ip).map_or(0, VecDeque::len);
        if here >= settings.strangers_per_address {
            open.give_up(ip);
        } else if open.by_sid.len() >= settings.polled {
            let most = open.strangers.iter().max_by_key(|(_, sids)| sids.len()).map(|(ip, _)| *ip)?;
            open.give_up(most);
        }
        open.strangers.entry(ip).or_default().push_back(sid.clone());
        open.by_sid.insert(sid.clone(), Asked { requests, posting: Arc::default() });
        Some((Place { sessions: self.clone(), sid, ip, is_stranger: true }, receiver))
    }

    /// Where the session of this sid is asked.
    #[must_use]
    pub fn find(&self, sid: &str) -> Option<Asked> {
        self.lock().by_sid.get(sid).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Ends the oldest session of a stranger at this address: nobody can ask it any more.
    fn give_up(&mut self, ip: Option<IpAddr>) {
        let Some(sids) = self.strangers.get_mut(&ip) else { return };
        if let Some(oldest) = sids.pop_front() {
            self.by_sid.remove(&oldest);
        }
        if sids.is_empty() {
            self.strangers.remove(&ip);
        }
    }
}

impl Place {
    /// Its client has shown its credentials: from here on the limit of its user holds.
    pub(crate) fn is_known(&mut self) {
        if std::mem::take(&mut self.is_stranger) {
            let mut open = self.sessions.lock();
            if let Some(sids) = open.strangers.get_mut(&self.ip) {
                sids.retain(|sid| *sid != self.sid);
                if sids.is_empty() {
                    open.strangers.remove(&self.ip);
                }
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.is_known();
        self.sessions.lock().by_sid.remove(&self.sid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::SETTINGS;

    #[test]
    fn strangers_are_few_an_address_and_all_have_a_bound() {
        let sessions = Sessions::new(SETTINGS);
        let sid = std::cell::Cell::new(0);
        let open = |last| {
            sid.set(sid.get() + 1);
            sessions.place(sid.get().to_string(), Some(IpAddr::from([10, 0, 0, last])))
        };
        let (mut first, second, mut third) = (open(1).unwrap(), open(1).unwrap(), open(2).unwrap());
        let is_there = |(place, _): &(Place, _)| sessions.find(&place.sid).is_some();
        let fourth = open(1).unwrap();
        assert!(!is_there(&first) && is_there(&second), "the oldest stranger of an address makes room");
        first.0.is_known();
        let fifth = open(3).unwrap();
        let sixth = open(4).unwrap();
        assert!(!is_there(&second) && is_there(&third), "four in all: one of the address that has most");
        for place in [&third, &fourth, &fifth, &sixth] {
            assert!(is_there(place));
        }
        third.0.is_known();
        let known: Vec<_> = [fourth, fifth, sixth]
            .map(|(mut place, requests)| {
                place.is_known();
                (place, requests)
            })
            .into();
        assert!(open(5).is_none(), "nobody who is known makes room");
        let asked = sessions.find(&known[0].0.sid).unwrap();
        let post = asked.post();
        assert!(post.is_some() && asked.clone().post().is_none(), "one POST at a time");
        drop(post);
        assert!(asked.post().is_some());
        drop((first, second, third, known));
        assert!(sessions.find("nobody").is_none());
        assert!(sessions.lock().by_sid.is_empty() && sessions.lock().strangers.is_empty());
    }
}
