//! What every request carries: its id, where it comes from, who sends it, and which position it speaks of.

use super::POSITION;
use crate::{
    App, Problem,
    auth::{Authenticated, kind_of, require},
    config::Network,
    operations::{Call, Caller, check_key},
};
use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderMap, request::Parts},
};
use commands::Context;
use domain::user::Role;
use projections::Projection;
use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
};
use uuid::Uuid;

/// Names a request in its answer, the log and the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl RequestId {
    /// The id that the outermost layer gave the request.
    #[must_use]
    pub fn of(parts: &Parts) -> Self {
        parts.extensions.get().copied().unwrap_or(Self(Uuid::nil()))
    }
}

/// Where a request comes from. `X-Forwarded-For` is read from its end for as long as trusted proxies stand there:
/// what stands before the first untrusted address is hearsay.
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

/// Watches for a proxy that is not named: what it forwards is hearsay, and all behind it count as one address.
#[derive(Debug, Default)]
pub struct Forwarding(AtomicBool);

impl Forwarding {
    /// Says so in the log, once.
    pub(crate) fn look(&self, parts: &Parts, trusted: &[Network]) {
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

    /// Whether it was said.
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
pub(super) fn is_over_tls(parts: &Parts, trusted: &[Network]) -> bool {
    let told = parts.headers.get_all("x-forwarded-proto").iter().next_back().and_then(|proto| proto.to_str().ok());
    let last = told.and_then(|told| told.rsplit(',').next());
    is_from_proxy(parts, trusted) && last.is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let key = headers.get("idempotency-key").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    check_key(key.as_deref())?;
    Ok(key)
}

/// A signed-in caller who wants to change something.
pub(super) struct Writer {
    caller: Caller,
    key: Option<String>,
}

impl Writer {
    pub(super) fn call<'a>(&'a self, app: &'a App) -> Result<Call<'a>, Problem> {
        Call::new(app, &self.caller, self.key.clone())
    }
}

impl FromRequestParts<App> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, app).await?;
        Ok(Self { caller, key: idempotency_key(&parts.headers)? })
    }
}

/// A caller who is nobody yet and wants to change something.
pub(super) struct Stranger {
    pub(super) context: Context,
    pub(super) ip: Option<IpAddr>,
}

impl FromRequestParts<App> for Stranger {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let ip = client_ip(parts, &app.config.trusted_proxies);
        app.limits.admit(kind_of(parts), ip, None).await?;
        let key = idempotency_key(&parts.headers)?;
        let RequestId(correlation_id) = RequestId::of(parts);
        let context = Context { actor: None, key, correlation_id, causation_id: None };
        Ok(Self { context, ip })
    }
}

/// A signed-in caller who wants to see something: no older than the position they name.
pub(super) struct Reader(pub(super) Caller);

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, app).await?;
        if let Some(wanted) = parts.headers.get(POSITION) {
            let position = wanted.to_str().ok().and_then(|text| text.parse().ok());
            let malformed = || Problem::malformed("X-ChatChit-Position must be a position: a whole number");
            let position: u64 = position.ok_or_else(malformed)?;
            if !app.progress.wait(position, &Projection::ALL, app.config.wait).await {
                return Err(Problem::unavailable("read_models_behind", "the read models are not there yet", 1));
            }
        }
        Ok(Self(caller))
    }
}

/// An administrator, by the write side's own state.
pub(super) struct Admin;

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, app).await?;
        require(app, &caller, Role::Admin).await?;
        Ok(Self)
    }
}

/// Somebody who asks, whatever for.
pub(super) trait Asks {
    /// Who.
    fn caller(&self) -> &Caller;
}

impl Asks for Reader {
    fn caller(&self) -> &Caller {
        &self.0
    }
}

impl Asks for Writer {
    fn caller(&self) -> &Caller {
        &self.caller
    }
}

/// Whoever asks is a moderator or an administrator.
pub(super) struct AsModerator<T>(pub(super) T);

/// Whoever asks is an administrator.
pub(super) struct AsAdmin<T>(pub(super) T);

macro_rules! as_staff {
    ($($name:ident: $role:ident),*) => {$(
        impl<T: FromRequestParts<App, Rejection = Problem> + Asks + Send> FromRequestParts<App> for $name<T> {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
                let asks = T::from_request_parts(parts, app).await?;
                require(app, asks.caller(), Role::$role).await?;
                Ok(Self(asks))
            }
        }
    )*};
}
as_staff!(AsModerator: Moderator, AsAdmin: Admin);

/// The one id in a path. What is no id names nothing.
pub(super) struct Id<T>(pub(super) T);

impl<T: From<Uuid> + Send> FromRequestParts<App> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let id = path.ok().and_then(|Path(text)| Uuid::try_parse(&text).ok());
        id.map(|id| Self(id.into())).ok_or_else(Problem::not_found)
    }
}

/// The one name in a path. What is no such name names nothing.
pub(super) struct Name<T>(pub(super) T);

impl<T: FromStr + Send> FromRequestParts<App> for Name<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let name = path.ok().and_then(|Path(text)| text.parse().ok());
        name.map(Self).ok_or_else(Problem::not_found)
    }
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
