//! How many connections there are: in all, and from each address.

use crate::config::{ConnectionLimits, Network};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The connections that are open.
pub(crate) struct Crowd {
    limits: ConnectionLimits,
    /// They bring other people's connections.
    proxies: Vec<Network>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One of them, until this is dropped.
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    counted: Option<IpAddr>,
}

impl Crowd {
    pub(crate) fn new(limits: ConnectionLimits, proxies: Vec<Network>) -> Arc<Self> {
        Arc::new(Self { limits, proxies, open: Mutex::default() })
    }

    /// A place for a connection from `address`; `None` when there is none left.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let exempt = address.is_loopback() || self.proxies.iter().any(|network| network.contains(address));
        let counted = (!exempt).then_some(address);
        let mut open = self.lock();
        let from_there = counted.and_then(|address| open.by_address.get(&address)).copied().unwrap_or_default();
        if open.total >= self.limits.total || from_there >= self.limits.per_address {
            return None;
        }
        open.total += 1;
        if let Some(address) = counted {
            open.by_address.insert(address, from_there + 1);
        }
        Some(Place { crowd: Arc::clone(self), counted })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.crowd.lock();
        open.total -= 1;
        if let Some(address) = self.counted
            && let Some(count) = open.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_for_each_address() {
        let crowd = Crowd::new(ConnectionLimits { total: 5, per_address: 2 }, vec!["10.0.0.0/8".parse().unwrap()]);
        let enter = |address: &str| crowd.enter(address.parse().unwrap());
        let (one, two) = (enter("192.0.2.1").unwrap(), enter("192.0.2.1").unwrap());
        assert!(enter("192.0.2.1").is_none() && enter("::ffff:192.0.2.1").is_none());
        let _others = [enter("192.0.2.2").unwrap(), enter("10.1.1.1").unwrap()];
        let last = enter("127.0.0.1").unwrap();
        assert!(enter("192.0.2.3").is_none(), "five in all");
        drop((one, last));
        let _again = enter("192.0.2.1").unwrap();
        assert!(enter("192.0.2.1").is_none());
        assert!(enter("10.1.1.1").is_some());
        drop(two);
        assert_eq!(crowd.lock().by_address.len(), 2);
    }
}
