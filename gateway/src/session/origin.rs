//! What holds of the request that opens a socket, at each door; whose pages may call is the same for REST.

use crate::{Config, Problem};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

/// Names under which people put a token into an address, where logs and histories keep it.
const TOKENS: [&str; 6] = ["token", "access_token", "accessToken", "bearer", "authorization", "jwt"];

/// The names of the machine a browser runs on.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The pairs of a query, as they stand there.
pub(crate) fn pairs(uri: &Uri) -> impl Iterator<Item = (&str, &str)> {
    let query = uri.query().unwrap_or_default();
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Refuses a token in the address.
///
/// # Errors
/// `token_in_query`.
pub(crate) fn token_in_query(uri: &Uri) -> Result<(), Problem> {
    if pairs(uri).any(|(name, _)| TOKENS.contains(&name)) {
        let detail = "a token in the address ends up in logs: send it as the documents say";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "token_in_query", detail));
    }
    Ok(())
}

/// Whose pages may call, apart from those that the server's own host serves.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    listed: Vec<String>,
    development: bool,
}

impl Origins {
    pub(crate) fn of(config: &Config) -> Self {
        Self { listed: config.allowed_origins.clone(), development: !config.production }
    }

    /// Whether pages of any origin may.
    pub(crate) fn is_any(&self) -> bool {
        self.listed.iter().any(|listed| listed == "*")
    }

    /// Whether pages of `origin` may call. Scheme, host and port are compared as a whole: nothing that merely begins
    /// or ends like a listed one passes.
    pub(crate) fn allow(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        if self.is_any() || self.listed.iter().any(|listed| listed == origin) {
            return true;
        }
        let web = ["http://", "https://"].into_iter().find_map(|scheme| origin.strip_prefix(scheme));
        let Some(authority) = web else { return false };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let is_own = !authority.is_empty() && host.is_some_and(|host| host.eq_ignore_ascii_case(authority));
        is_own || (self.development && is_loopback(authority))
    }
}

fn is_loopback(authority: &str) -> bool {
    LOOPBACK.into_iter().filter_map(|name| authority.strip_prefix(name)).any(|rest| {
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
        rest.strip_prefix(':').map_or(rest.is_empty(), is_port)
    })
}

/// A browser reaches private networks and whatever its user may: only pages that are known may open sockets. A
/// request without an origin comes from no page.
///
/// # Errors
/// `origin_not_allowed`.
pub(crate) fn check_origin(headers: &HeaderMap, config: &Config) -> Result<(), Problem> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => Ok(()),
        (Some(origin), None) if Origins::of(config).allow(origin, headers) => Ok(()),
        _ => Err(Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", "pages of this origin may not connect")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origin: &str, production: bool) -> bool {
        let allowed_origins = vec!["https://good.example".to_owned(), "http://other.example:8080".to_owned()];
        let config = Config { production, allowed_origins, ..Config::default() };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("chat.example:8443"));
        headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        check_origin(&headers, &config).is_ok()
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
