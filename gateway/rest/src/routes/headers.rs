//! What every answer tells browsers: to guess no type, run nothing, show it in no frame, and keep nothing of it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use operations::{App, connection::is_over_tls};

/// A policy for what is data alone.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// A policy for the API explorer, which comes with its scripts and styles, and styles itself in line.
const EXPLORER: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Two years.
const HSTS: &str = "max-age=63072000; includeSubDomains";

const SAME_ORIGIN: &str = "same-origin";
const CROSS_ORIGIN: &str = "cross-origin";
/// Signed links are made for `<img>` on pages of any origin: the token in them is the authorisation.
const LINKS: &str = "/files/links/";
const CROSS_ORIGIN_OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What the headers of an answer depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    policy: &'static str,
    /// Pages of which origins may embed it.
    embedded_by: &'static str,
    over_tls: bool,
    /// Documents and the explorer are the same for everybody.
    personal: bool,
}

impl Answered {
    /// What is to be known of the request before it is answered.
    pub(crate) fn of(parts: &Parts, app: &App) -> Self {
        let path = parts.uri.path();
        let explorer = path == "/api-docs" || path.starts_with("/api-docs/");
        Self {
            policy: if explorer { EXPLORER } else { NOTHING },
            embedded_by: if path.starts_with(LINKS) { CROSS_ORIGIN } else { SAME_ORIGIN },
            over_tls: is_over_tls(parts, &app.config.trusted_proxies),
            personal: !explorer && !matches!(path, "/openapi.json" | "/asyncapi.json"),
        }
    }

    /// Adds the headers that the route has not set itself.
    pub(super) fn write(self, headers: &mut HeaderMap) {
        let all = [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_SECURITY_POLICY, self.policy),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::REFERRER_POLICY, "no-referrer"),
            (CROSS_ORIGIN_OPENER, SAME_ORIGIN),
            (CROSS_ORIGIN_RESOURCE, self.embedded_by),
        ];
        let tls = self.over_tls.then_some((header::STRICT_TRANSPORT_SECURITY, HSTS));
        let personal = self.personal.then_some((header::CACHE_CONTROL, "no-store"));
        for (name, value) in all.into_iter().chain(tls).chain(personal) {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
    }
}
