//! Limits of connections: in all, and from each address.

use config::{ConnectionLimits, Network};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The connections that are open.
pub(crate) struct ConnectionLimiter {
    limits: ConnectionLimits,
    /// They bring other people's connections.
    proxies: Vec<Network>,
    /// Whether another gateway is at an address: it passes other people's requests on.
    is_peer: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The right to one connection; released when dropped.
pub(crate) struct ConnectionPermit {
    limiter: Arc<ConnectionLimiter>,
    counted: Option<IpAddr>,
}

impl ConnectionLimiter {
    pub(crate) fn new(
        limits: ConnectionLimits,
        proxies: Vec<Network>,
        is_peer: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { limits, proxies, is_peer: Box::new(is_peer), open: Mutex::default() })
    }

    /// A permit for a connection from `address`; `None` when there is none left.
    pub(crate) fn try_acquire(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionPermit> {
        let address = address.to_canonical();
        let is_proxy = || self.proxies.iter().any(|network| network.contains(address));
        let exempt = address.is_loopback() || is_proxy() || (self.is_peer)(address);
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
        Some(ConnectionPermit { limiter: Arc::clone(self), counted })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limiter.lock();
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
        let (limits, proxies) = (ConnectionLimits { total: 5, per_address: 2 }, vec!["10.0.0.0/8".parse().unwrap()]);
        let peer: IpAddr = "192.168.0.2".parse().unwrap();
        let limiter = ConnectionLimiter::new(limits, proxies, move |address| address == peer);
        let try_acquire = |address: &str| limiter.try_acquire(address.parse().unwrap());
        let (one, two) = (try_acquire("192.0.2.1").unwrap(), try_acquire("192.0.2.1").unwrap());
        assert!(try_acquire("192.0.2.1").is_none() && try_acquire("::ffff:192.0.2.1").is_none());
        let _others = [try_acquire("192.0.2.2").unwrap(), try_acquire("10.1.1.1").unwrap()];
        let last = try_acquire("127.0.0.1").unwrap();
        assert!(try_acquire("192.0.2.3").is_none(), "five in all");
        drop((one, last));
        let again = try_acquire("192.0.2.1").unwrap();
        assert!(try_acquire("192.0.2.1").is_none());
        assert!(try_acquire("10.1.1.1").is_some());
        assert_eq!(limiter.lock().by_address.len(), 2);
        drop((two, again));
        let peers: Vec<_> = (0..3).map(|_| try_acquire("192.168.0.2")).collect();
        assert!(peers.iter().all(Option::is_some), "another gateway passes on what others ask");
        assert_eq!(limiter.lock().by_address.len(), 1);
    }
}
