//! The head of a request: bounded in size, and each header that decides something stands in it once.
//!
//! Below it the HTTP library has bounds of its own ([`crate::serve`]), a little wider: beyond them the answer has no
//! document.

use super::POSITION;
use crate::HttpApp;
use axum::{
    extract::{Request, State},
    http::{HeaderName, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use limits::Kind;
use operations::connection::client_ip;
use protocol::Problem;

/// The most headers.
const HEADERS: usize = 100;
/// The most bytes of all headers.
const BYTES: usize = 32 * 1024;
/// The most bytes of the address.
const ADDRESS: usize = 16 * 1024;
/// Two of them would leave it open which one holds.
const ONCE: [HeaderName; 3] =
    [header::AUTHORIZATION, HeaderName::from_static("idempotency-key"), HeaderName::from_static(POSITION)];

/// Refuses a head that is too large or says two things at once.
pub(super) async fn bounded(State(app): State<HttpApp>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(problem) = checked(&parts) {
        let ip = client_ip(&parts, &app.config.trusted_proxies);
        return app.limits.admit(Kind::Refused, ip, None).await.err().unwrap_or(problem).into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

fn checked(parts: &Parts) -> Result<(), Problem> {
    let address = parts.uri.path_and_query().map_or(0, |address| address.as_str().len());
    if address > ADDRESS {
        let detail = format!("an address has at most {ADDRESS} bytes");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "address_too_long", detail));
    }
    // As they are written: `name: value`, and the end of the line.
    let bytes: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if parts.headers.len() > HEADERS || bytes > BYTES {
        let detail = format!("a request has at most {HEADERS} headers, of {BYTES} bytes in all");
        return Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", detail));
    }
    match ONCE.iter().find(|name| parts.headers.get_all(*name).iter().nth(1).is_some()) {
        Some(name) => Err(Problem::malformed(format!("the header {name} is given more than once"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str, headers: &[(&str, &str)]) -> Result<(), &'static str> {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        checked(&request.body(()).unwrap().into_parts().0).map_err(|problem| problem.code)
    }

    #[test]
    fn a_head_is_bounded() {
        assert_eq!(of("/users/me?a=b", &[("authorization", "Bearer t"), ("x-a", "1"), ("x-a", "2")]), Ok(()));
        assert_eq!(of(&format!("/{}", "a".repeat(ADDRESS - 1)), &[]), Ok(()));
        assert_eq!(of(&format!("/{}", "a".repeat(ADDRESS)), &[]), Err("address_too_long"));
        assert_eq!(of("/", &vec![("a", "b"); HEADERS]), Ok(()));
        assert_eq!(of("/", &vec![("a", "b"); HEADERS + 1]), Err("headers_too_large"));
        assert_eq!(of("/", &[("a", &"b".repeat(BYTES - 5))]), Ok(()));
        assert_eq!(of("/", &[("a", &"b".repeat(BYTES))]), Err("headers_too_large"));
    }

    #[test]
    fn a_header_that_decides_stands_once() {
        for name in ["Idempotency-Key", "Authorization", "X-ChatChit-Position"] {
            assert_eq!(of("/", &[(name, "1")]), Ok(()));
            assert_eq!(of("/", &[(name, "1"), (name, "1")]), Err("malformed"), "{name}");
        }
    }
}
