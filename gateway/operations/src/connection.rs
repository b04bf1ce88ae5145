//! A request's id, the peer of its connection, and the client's address as trusted proxies forward it.

use axum::http::request::Parts;
use config::Network;
use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Names a request in its answer, the log and the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Ends the connection of a request.
#[derive(Clone, Debug, Default)]
pub struct Hangup(pub CancellationToken);

impl RequestId {
    /// The id that the outermost layer gave the request.
    #[must_use]
    pub fn of(parts: &Parts) -> Self {
        parts.extensions.get().copied().unwrap_or(Self(Uuid::nil()))
    }
}

/// Where a request comes from. `X-Forwarded-For` is read from its end for as long as trusted proxies stand there:
/// what stands before the first untrusted address is ignored.
#[must_use]
pub fn client_ip(parts: &Parts, trusted: &[Network]) -> Option<IpAddr> {
    let peer = parts.extensions.get::<Peer>()?.0.ip().to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let forwarded = parts.headers.get_all("x-forwarded-for").into_iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut client = peer;
    for hop in hops.iter().rev() {
        if !is_trusted(client) {
            break;
        }
        let Ok(address) = hop.parse::<IpAddr>() else { break };
        client = address.to_canonical();
    }
    Some(client)
}

/// Notices a proxy that is not configured as trusted: everybody behind it counts as one address.
#[derive(Debug, Default)]
pub struct Forwarding(AtomicBool);

impl Forwarding {
    /// Logs a warning, once.
    pub fn look(&self, parts: &Parts, trusted: &[Network]) {
        if self.0.load(Ordering::Relaxed) || !parts.headers.contains_key("x-forwarded-for") {
            return;
        }
        let Some(Peer(peer)) = parts.extensions.get().copied() else { return };
        let ip = peer.ip().to_canonical();
        if !trusted.iter().any(|network| network.contains(ip)) && !self.0.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                peer.ip = %ip,
                "a request came with X-Forwarded-For from a peer that TRUSTED_PROXIES does not name: if that is a proxy of \
                 yours, name it, for everybody behind it now counts as one address"
            );
        }
    }

    /// Whether the warning was logged.
    #[cfg(test)]
    fn has_warned(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether a trusted proxy passed a request on.
pub(crate) fn is_from_proxy(parts: &Parts, trusted: &[Network]) -> bool {
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip().to_canonical());
    peer.is_some_and(|peer| trusted.iter().any(|network| network.contains(peer)))
}

/// Whether a request came over TLS: a trusted proxy says so, for this server speaks plain HTTP.
pub fn is_over_tls(parts: &Parts, trusted: &[Network]) -> bool {
    let protos = parts.headers.get_all("x-forwarded-proto").iter().next_back().and_then(|proto| proto.to_str().ok());
    let last = protos.and_then(|protos| protos.rsplit(',').next());
    is_from_proxy(parts, trusted) && last.is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn ip(peer: &str, forwarded: &[&str]) -> String {
        let request = forwarded.iter().fold(Request::builder(), |request, hop| request.header("x-forwarded-for", *hop));
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts.extensions.insert(Peer(SocketAddr::new(peer.parse().unwrap(), 1)));
        client_ip(&parts, &["10.0.0.0/8".parse().unwrap()]).unwrap().to_string()
    }

    #[test]
    fn a_proxy_that_is_not_named_is_noticed() {
        let seen = |peer: &str, forwarded: Option<&str>| {
            let request =
                forwarded.iter().fold(Request::builder(), |request, hop| request.header("x-forwarded-for", *hop));
            let mut parts = request.body(()).unwrap().into_parts().0;
            parts.extensions.insert(Peer(SocketAddr::new(peer.parse().unwrap(), 1)));
            let forwarding = Forwarding::default();
            forwarding.look(&parts, &["10.0.0.0/8".parse().unwrap()]);
            forwarding.has_warned()
        };
        assert!(seen("172.18.0.1", Some("203.0.113.9")));
        assert!(!seen("172.18.0.1", None) && !seen("10.0.0.1", Some("203.0.113.9")));
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, forwarded, want) in [
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["203.0.113.9"], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.7, 203.0.113.9", "10.1.1.1"], "203.0.113.9"),
            ("10.0.0.1", &["nonsense"], "10.0.0.1"),
        ] {
            assert_eq!(ip(peer, forwarded), want, "{peer} {forwarded:?}");
        }
    }
}
