//! Engine.IO 4: the packets around those of Socket.IO, the handshake, and its errors.

use super::packet::BETWEEN;
use crate::{
    hub::HubSettings,
    session::{Close, Heard},
};
use axum::{
    body::Bytes,
    extract::ws::Utf8Bytes,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Nothing: it ends a poll.
pub(super) const NOOP: &str = "6";
/// The server asks whether the client lives.
pub(super) const PING: Utf8Bytes = Utf8Bytes::from_static("2");
/// The end of a transport.
pub(super) const CLOSE: &str = "1";

/// The first packet, without its type.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// Names the session in further requests; whoever knows it holds the session.
    pub sid: String,
    /// The transports it may move to.
    pub upgrades: &'static [&'static str],
    /// How often the server pings, in milliseconds.
    pub ping_interval: u64,
    /// How long a pong may take, in milliseconds.
    pub ping_timeout: u64,
    /// The largest payload or frame a client may send, in bytes.
    pub max_payload: usize,
}

impl Open {
    pub(super) fn new(sid: &str, upgrades: &'static [&'static str], settings: &HubSettings) -> Self {
        let beat = u64::try_from(settings.heartbeat.as_millis()).unwrap_or(u64::MAX);
        let max_payload = settings.frame_bytes;
        Self { sid: sid.to_owned(), upgrades, ping_interval: beat, ping_timeout: beat, max_payload }
    }

    /// The packet.
    pub(super) fn packet(&self) -> String {
        // A flat shape always makes JSON.
        format!("0{}", serde_json::to_string(self).unwrap_or_default())
    }
}

/// Why a request is none of Engine.IO, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EngineError {
    /// 0 transport unknown, 1 session unknown, 2 bad handshake method, 3 bad request, 4 forbidden, 5 protocol version.
    pub code: u8,
    /// The same for people.
    pub message: &'static str,
    #[serde(skip)]
    status: StatusCode,
}

impl EngineError {
    pub(super) const TRANSPORT: Self = Self::new(0, "Transport unknown");
    pub(super) const SESSION: Self = Self::new(1, "Session ID unknown");
    pub(super) const METHOD: Self = Self::new(2, "Bad handshake method");
    pub(super) const BAD_REQUEST: Self = Self::new(3, "Bad request");
    pub(super) const VERSION: Self = Self::new(5, "Unsupported protocol version");
    pub(super) const TOO_BIG: Self = Self::of(3, "Payload too large", StatusCode::PAYLOAD_TOO_LARGE);
    pub(super) const TOO_SLOW: Self = Self::of(3, "The payload took too long", StatusCode::REQUEST_TIMEOUT);
    pub(super) const TOO_MANY: Self = Self::of(4, "Too many sessions, come back later", StatusCode::TOO_MANY_REQUESTS);

    const fn new(code: u8, message: &'static str) -> Self {
        Self::of(code, message, StatusCode::BAD_REQUEST)
    }

    const fn of(code: u8, message: &'static str, status: StatusCode) -> Self {
        Self { code, message, status }
    }
}

impl IntoResponse for EngineError {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self)).into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The answer to a poll or post.
pub(super) fn payload(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=UTF-8"), (header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// What a packet of a client means.
pub(super) fn heard(packet: Utf8Bytes) -> Heard {
    match packet.as_bytes().first() {
        Some(b'4') => Heard::Text(cut(&packet.clone().into(), 1, packet.len())),
        Some(b'3' | b'2' | b'5' | b'6') => Heard::Life,
        Some(b'1') => Heard::Gone,
        // Base64.
        Some(b'b') => Heard::Bad(Close::NotText),
        _ => Heard::Bad(Close::NotOurs),
    }
}

/// The packets of a frame or payload.
pub(super) fn packets(frame: Utf8Bytes) -> Vec<Utf8Bytes> {
    if !frame.contains(BETWEEN) {
        return vec![frame];
    }
    let bytes = Bytes::from(frame.clone());
    let mut from = 0;
    let mut packets = Vec::new();
    for packet in frame.split(BETWEEN) {
        packets.push(cut(&bytes, from, from + packet.len()));
        from += packet.len() + BETWEEN.len_utf8();
    }
    packets
}

/// A part of a text, without copying it.
fn cut(bytes: &Bytes, from: usize, until: usize) -> Utf8Bytes {
    // It was cut between characters, so it is UTF-8.
    Utf8Bytes::try_from(bytes.slice(from..until)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_cut_into_packets() {
        let cut = |text: &str| packets(text.into()).iter().map(|packet| packet.to_string()).collect::<Vec<_>>();
        assert_eq!(cut("4a"), ["4a"]);
        assert_eq!(cut("4é\u{1e}3\u{1e}\u{1e}4💥"), ["4é", "3", "", "4💥"]);
        assert_eq!(cut(""), [""]);
    }

    #[test]
    fn packets_are_told_apart() {
        assert!(matches!(heard("42[\"é\"]".into()), Heard::Text(text) if text.as_str() == "2[\"é\"]"));
        assert!(matches!(heard("4".into()), Heard::Text(text) if text.as_str().is_empty()));
        assert!(matches!(heard("3".into()), Heard::Life));
        assert!(matches!(heard("1".into()), Heard::Gone));
        assert!(matches!(heard("bAAAA".into()), Heard::Bad(Close::NotText)));
        for text in ["", "x", "é", "0{}", "7"] {
            assert!(matches!(heard(text.into()), Heard::Bad(Close::NotOurs)), "{text}");
        }
    }
}
