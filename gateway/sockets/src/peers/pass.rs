//! Passing a request on to the gateway whose it is, and its answer back.

use super::{Peers, tunnel};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header},
    response::Response,
};
use hyper::upgrade::OnUpgrade;
use std::{net::SocketAddr, time::Duration};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use uuid::Uuid;

/// Says that a request was passed on: it is not passed on again. It gives a request no right that others lack.
const PASSED_ON: HeaderName = HeaderName::from_static("chatchit-passed-on");

/// The headers of a request that the other gateway receives. No origin: this gateway, which knows its proxies,
/// checked it.
const ASKED: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_PROTOCOL,
];
/// The headers of its answer that the client receives.
const ANSWERED: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::RETRY_AFTER,
    header::SEC_WEBSOCKET_ACCEPT,
    header::SEC_WEBSOCKET_PROTOCOL,
];

/// Why a request could not be passed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotPassedOn {
    /// As many as may be are under way.
    #[error("too many requests are under way with other gateways")]
    TooMany,
    /// There is no such gateway any more, or it does not answer.
    #[error("the gateway does not answer: {0}")]
    Away(String),
}

/// Whether another gateway passed this request on.
pub(crate) fn is_passed_on(headers: &HeaderMap) -> bool {
    headers.contains_key(PASSED_ON)
}

impl Peers {
    /// Has the gateway `node` answer a request, `within` a time, with at most `most` bytes.
    ///
    /// # Errors
    /// [`NotPassedOn`].
    pub(crate) async fn pass_on(
        &self,
        node: Uuid,
        mut request: Request<Body>,
        within: Duration,
        most: usize,
    ) -> Result<Response, NotPassedOn> {
        let place = self.0.places.clone().try_acquire_owned().map_err(|_| NotPassedOn::TooMany)?;
        let away = |cause: String| NotPassedOn::Away(cause);
        let address = self.address_of(node).await.ok_or_else(|| away("it is not known".to_owned()))?;
        let client = request.extensions_mut().remove::<OnUpgrade>();
        let upgrades = request.headers().contains_key(header::UPGRADE);
        let request = outgoing(address, request, upgrades).map_err(|error| away(error.to_string()))?;
        let asked = async {
            let mut answer = self.0.client.request(request).await.map_err(|error| away(error.to_string()))?;
            let mut response = Response::new(Body::empty());
            *response.status_mut() = answer.status();
            take(&ANSWERED, answer.headers(), response.headers_mut());
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                let gateway = hyper::upgrade::on(&mut answer);
                let client = client.filter(|_| upgrades).ok_or_else(|| away("it upgraded unasked".to_owned()))?;
                upgrade(response.headers_mut());
                self.carry(client, gateway, place);
                return Ok(response);
            }
            let body = to_bytes(Body::new(answer.into_body()), most).await.map_err(|error| away(error.to_string()))?;
            *response.body_mut() = Body::from(body);
            Ok(response)
        };
        timeout(within, asked).await.unwrap_or_else(|_| Err(away("no answer in time".to_owned())))
    }

    fn carry(&self, client: OnUpgrade, gateway: OnUpgrade, place: OwnedSemaphorePermit) {
        let ended = self.0.ended.clone();
        tokio::spawn(async move {
            ended.run_until_cancelled(tunnel::carry(client, gateway)).await;
            drop(place);
        });
    }
}

/// The request as the other gateway gets it: the same path, query and body, and no more headers than it needs.
fn outgoing(address: SocketAddr, request: Request<Body>, upgrades: bool) -> Result<Request<Body>, axum::http::Error> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let uri = Uri::builder().scheme("http").authority(address.to_string()).path_and_query(target).build()?;
    let mut request = Request::builder().method(parts.method).uri(uri).body(body)?;
    take(&ASKED, &parts.headers, request.headers_mut());
    request.headers_mut().insert(PASSED_ON, HeaderValue::from_static("1"));
    if upgrades {
        upgrade(request.headers_mut());
    }
    Ok(request)
}

fn take(names: &[HeaderName], from: &HeaderMap, to: &mut HeaderMap) {
    for name in names {
        for value in from.get_all(name) {
            to.append(name, value.clone());
        }
    }
}

fn upgrade(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_passed_on_than_the_other_gateway_needs() {
        let request = Request::post("/socket.io/?EIO=4&transport=polling&sid=x")
            .header("content-type", "text/plain")
            .header("content-length", "2")
            .header("origin", "https://chat.example")
            .header("authorization", "Bearer t")
            .header("cookie", "a=b")
            .header("x-forwarded-for", "203.0.113.9")
            .body(Body::from("41"))
            .unwrap();
        let passed_on = outgoing("10.0.0.2:8080".parse().unwrap(), request, false).unwrap();
        assert_eq!(passed_on.uri(), "http://10.0.0.2:8080/socket.io/?EIO=4&transport=polling&sid=x");
        assert!(is_passed_on(passed_on.headers()));
        let names: Vec<_> = passed_on.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["content-type", "content-length", "chatchit-passed-on"]);
        let request = Request::get("/socket.io/").header("sec-websocket-key", "k").body(Body::empty()).unwrap();
        let upgraded = outgoing("10.0.0.2:8080".parse().unwrap(), request, true).unwrap();
        for (name, value) in [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "k")] {
            assert_eq!(upgraded.headers()[name], value);
        }
    }
}
