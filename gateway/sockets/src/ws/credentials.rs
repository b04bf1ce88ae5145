//! Credentials and cursor of an upgrade request.

use axum::http::{HeaderMap, header, request::Parts};
use operations::{auth::bearer, pairs, token_in_query};
use protocol::Problem;

/// The subprotocol that is spoken here.
pub(super) const SUBPROTOCOL: &str = "chatchit.v1";
/// Stands before a token among the offered subprotocols: a browser cannot set headers.
const BEARER: &str = "bearer.";

/// What an upgrade request brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    /// The access token; without one, the first frame must bring it.
    pub(super) token: Option<String>,
    /// Whether it came as a subprotocol: its fault has a close code, for browsers hide the status.
    pub(super) in_subprotocol: bool,
    /// The cursor to resume from.
    pub(super) since: Option<String>,
}

impl Offer {
    /// Reads headers and query.
    ///
    /// # Errors
    /// `token_in_query`, `unauthenticated`.
    pub(crate) fn of(parts: &Parts) -> Result<Self, Problem> {
        token_in_query(&parts.uri)?;
        if is_without_scheme(&parts.headers) {
            return Err(Problem::unauthenticated());
        }
        let mut given = pairs(&parts.uri).filter(|(name, cursor)| *name == "since" && !cursor.is_empty());
        let since = given.next().map(|(_, cursor)| cursor.to_owned());
        let header = bearer(&parts.headers).map(str::to_owned);
        let in_subprotocol = header.is_none();
        let token = header.or_else(|| subprotocol_token(&parts.headers));
        Ok(Self { in_subprotocol: in_subprotocol && token.is_some(), token, since })
    }
}

/// Whether `Authorization` says something without saying how: a token that stands alone there.
fn is_without_scheme(headers: &HeaderMap) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|value| !value.as_bytes().trim_ascii().contains(&b' '))
}

fn subprotocol_token(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter().filter_map(|value| value.to_str().ok());
    let mut offered = values.flat_map(|value| value.split(',')).map(str::trim);
    offered.find_map(|protocol| protocol.strip_prefix(BEARER)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn offer(uri: &str, headers: &[(&str, &str)]) -> Result<Offer, Problem> {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        Offer::of(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_token_comes_as_header_or_subprotocol() {
        let header = offer("/ws?since=abc", &[("authorization", "Bearer t.o.k")]).unwrap();
        assert_eq!(header, Offer { token: Some("t.o.k".into()), in_subprotocol: false, since: Some("abc".into()) });
        let browser = offer("/ws", &[("sec-websocket-protocol", "chatchit.v1, bearer.t.o.k")]).unwrap();
        assert_eq!(browser, Offer { token: Some("t.o.k".into()), in_subprotocol: true, since: None });
        assert_eq!(offer("/ws", &[]).unwrap(), Offer::default());
    }

    #[test]
    fn a_token_without_its_scheme_is_refused_and_what_is_for_others_is_not() {
        for header in ["t.o.k", "", "Bearer"] {
            assert_eq!(offer("/ws", &[("authorization", header)]).unwrap_err().code, "unauthenticated", "{header}");
        }
        assert_eq!(offer("/ws", &[("authorization", "Basic YTpi")]).unwrap(), Offer::default());
    }

    #[test]
    fn a_token_in_the_address_is_refused() {
        for uri in ["/ws?token=x", "/ws?since=a&access_token=x", "/ws?token"] {
            assert_eq!(offer(uri, &[]).unwrap_err().code, "token_in_query");
        }
    }
}
