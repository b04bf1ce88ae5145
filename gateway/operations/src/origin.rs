//! Checks of requests at all doors: origins of pages, and tokens in the address.

use crate::connection::is_from_proxy;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header, request::Parts};
use config::{Config, Live, Network};
use protocol::Problem;

/// Names under which people put a token into an address, where logs and histories keep it.
const TOKENS: [&str; 6] = ["token", "access_token", "accessToken", "bearer", "authorization", "jwt"];

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The names of the machine a browser runs on.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The pairs of a query, as they stand there.
pub fn pairs(uri: &Uri) -> impl Iterator<Item = (&str, &str)> {
    let query = uri.query().unwrap_or_default();
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Whether a token would be put into an address under this name.
pub fn is_token(name: &str) -> bool {
    TOKENS.contains(&name)
}

/// Refuses a token in the address.
///
/// # Errors
/// `token_in_query`.
pub fn token_in_query(uri: &Uri) -> Result<(), Problem> {
    if pairs(uri).any(|(name, _)| is_token(name)) {
        let detail = "a token in the address ends up in logs: send the header `Authorization: Bearer <token>`; to /ws the \
                      subprotocol `bearer.<token>` or the command `auth` will do, to Socket.IO `auth.token`";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "token_in_query", detail));
    }
    Ok(())
}

/// Whose pages may call, apart from those that the server's own host serves.
#[derive(Clone, Debug)]
pub struct Origins {
    live: Live,
    development: bool,
    proxies: Vec<Network>,
}

impl Origins {
    /// Those that the configuration allows; `live` has those listed now.
    #[must_use]
    pub fn of(config: &Config, live: &Live) -> Self {
        Self { live: live.clone(), development: !config.production, proxies: config.trusted_proxies.clone() }
    }

    /// Whether pages of any origin may.
    pub fn is_any(&self) -> bool {
        self.lists("*")
    }

    fn lists(&self, origin: &str) -> bool {
        self.live.get().allowed_origins.iter().any(|listed| listed == origin)
    }

    /// Whether pages of `origin` may call. Scheme, host and port are compared as a whole: nothing that merely begins
    /// or ends like a listed one passes. The own host is what the request, or a trusted proxy, says.
    pub fn allow(&self, origin: &HeaderValue, parts: &Parts) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        if self.is_any() || self.lists(origin) {
            return true;
        }
        let web = ["http://", "https://"].into_iter().find_map(|scheme| origin.strip_prefix(scheme));
        let Some(authority) = web else { return false };
        let last_of = |name| parts.headers.get_all(name).iter().next_back().and_then(|host| host.to_str().ok());
        let forwarded = last_of(FORWARDED_HOST).filter(|_| is_from_proxy(parts, &self.proxies));
        let hosts = [last_of(header::HOST), forwarded.and_then(|hosts| hosts.rsplit(',').next()).map(str::trim)];
        let is_own =
            !authority.is_empty() && hosts.into_iter().flatten().any(|host| host.eq_ignore_ascii_case(authority));
        is_own || (self.development && is_loopback(authority))
    }
}

fn is_loopback(authority: &str) -> bool {
    LOOPBACK.into_iter().filter_map(|name| authority.strip_prefix(name)).any(|rest| {
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
        rest.strip_prefix(':').map_or(rest.is_empty(), is_port)
    })
}

/// A browser reaches private networks and whatever its user may: only pages that are known may ask anything. A request
/// without an origin comes from no page.
///
/// # Errors
/// `origin_not_allowed`.
pub fn check_origin(parts: &Parts, config: &Config, live: &Live) -> Result<(), Problem> {
    let mut origins = parts.headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => Ok(()),
        (Some(origin), None) if Origins::of(config, live).allow(origin, parts) => Ok(()),
        _ => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "origin_not_allowed",
            "pages of this origin may not connect: ALLOWED_ORIGINS lists those that may",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Peer;
    use axum::http::Request;

    fn allowed(origin: &str, production: bool) -> bool {
        let allowed_origins = vec!["https://good.example".to_owned(), "http://other.example:8080".to_owned()];
        let config = Config { production, allowed_origins, ..Config::default() };
        let request = Request::builder().header(header::HOST, "chat.example:8443").header(header::ORIGIN, origin);
        check_origin(&request.body(()).unwrap().into_parts().0, &config, &Live::of(&config)).is_ok()
    }

    #[test]
    fn the_own_host_is_what_a_trusted_proxy_says() {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let config = Config { production: true, trusted_proxies, ..Config::default() };
        for (peer, forwarded, allowed) in [
            ("10.0.0.1:1", "chat.example", true),
            ("10.0.0.1:1", "evil.example, chat.example", true),
            ("10.0.0.1:1", "chat.example, evil.example", false),
            ("192.0.2.1:1", "chat.example", false),
        ] {
            let request = Request::builder().header(header::HOST, "127.0.0.1:8080");
            let request = request.header(header::ORIGIN, "https://chat.example").header(FORWARDED_HOST, forwarded);
            let mut parts = request.body(()).unwrap().into_parts().0;
            parts.extensions.insert(Peer(peer.parse().unwrap()));
            assert_eq!(check_origin(&parts, &config, &Live::of(&config)).is_ok(), allowed, "{peer} {forwarded}");
        }
    }

    #[test]
    fn listed_origins_and_the_own_host_may_and_what_looks_like_them_may_not() {
        for origin in ["https://good.example", "http://other.example:8080", "https://chat.example:8443"] {
            assert!(allowed(origin, true), "{origin}");
        }
        for origin in [
            "null",
            "",
            "https://good.example.evil.tld",
            "https://evil-good.example",
            "https://sub.good.example",
            "http://good.example",
            "https://good.example:444",
            "https://good.example/",
            "https://good.example@evil.tld",
            "http://other.example",
            "https://chat.example",
            "https://chat.example:8443.evil.tld",
            "ftp://chat.example:8443",
            "https://",
            "file://",
        ] {
            assert!(!allowed(origin, true) && !allowed(origin, false), "{origin:?}");
        }
    }

    #[test]
    fn pages_of_this_machine_may_in_development() {
        for origin in ["http://localhost", "http://localhost:5173", "https://127.0.0.1:3000", "http://[::1]:1"] {
            assert!(allowed(origin, false) && !allowed(origin, true), "{origin}");
        }
        for origin in [
            "http://localhost.evil.tld",
            "http://localhost:",
            "http://localhost:80.evil.tld",
            "http://localhost:65536",
            "http://localhost:+80",
            "http://127.0.0.1.evil.tld",
            "http://127.0.0.12:80",
            "http://evil.tld#localhost",
        ] {
            assert!(!allowed(origin, false), "{origin}");
        }
    }
}
