//! The sessions that are polled: found by their sid, and bounded, for they outlive their connections.

use super::polling::Request;
use crate::hub::HubSettings;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;

/// Requests of one session that wait for its task; others wait to be among them.
const WAITING: usize = 8;
/// Random bytes of a sid.
const SID: usize = 15;

/// The sessions that are polled. Clones share them.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<Open>>);

#[derive(Default)]
struct Open {
    by_sid: HashMap<String, mpsc::Sender<Request>>,
    /// How many there are of each address whose client has not shown its credentials.
    strangers: HashMap<Option<IpAddr>, usize>,
}

/// A session among those that are polled, until this is dropped.
pub(super) struct Place {
    sessions: Sessions,
    sid: String,
    ip: Option<IpAddr>,
    is_stranger: bool,
}

impl Sessions {
    /// A new session of somebody unknown at this address; `None` when there are too many already.
    pub(super) fn open(
        &self,
        sid: String,
        ip: Option<IpAddr>,
        settings: &HubSettings,
    ) -> Option<(Place, mpsc::Receiver<Request>)> {
        let (requests, receiver) = mpsc::channel(WAITING);
        let mut open = self.lock();
        let strangers = open.strangers.get(&ip).copied().unwrap_or_default();
        if open.by_sid.len() >= settings.polled || strangers >= settings.strangers_per_address {
            return None;
        }
        open.strangers.insert(ip, strangers + 1);
        open.by_sid.insert(sid.clone(), requests);
        Some((Place { sessions: self.clone(), sid, ip, is_stranger: true }, receiver))
    }

    /// Where the session of this sid is asked.
    pub(super) fn find(&self, sid: &str) -> Option<mpsc::Sender<Request>> {
        self.lock().by_sid.get(sid).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Its client has shown its credentials: from here on the limit of its user holds.
    pub(super) fn is_known(&mut self) {
        if std::mem::take(&mut self.is_stranger) {
            let mut open = self.sessions.lock();
            if let Some(strangers) = open.strangers.get_mut(&self.ip) {
                *strangers -= 1;
                if *strangers == 0 {
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

/// A name that nobody guesses; `None` when the system gives no randomness.
pub(super) fn sid() -> Option<String> {
    let mut bytes = [0; SID];
    getrandom::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_few_an_address_and_all_have_a_bound() {
        let settings = HubSettings { polled: 4, strangers_per_address: 2, ..HubSettings::default() };
        let sessions = Sessions::default();
        let open = |last| sessions.open(sid().unwrap(), Some(IpAddr::from([10, 0, 0, last])), &settings);
        let (mut first, _second) = (open(1).unwrap(), open(1).unwrap());
        assert!(open(1).is_none());
        let other = open(2).unwrap();
        first.0.is_known();
        let third = open(1).unwrap();
        assert!(open(3).is_none(), "four in all");
        drop(other);
        assert!(open(3).is_some());
        drop((first, third));
        assert!(sessions.find("nobody").is_none());
        drop(_second);
        assert!(sessions.lock().by_sid.is_empty() && sessions.lock().strangers.is_empty());
    }
}
