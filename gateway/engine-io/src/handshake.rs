//! The handshake of Engine.IO 4, and its errors.

use crate::Settings;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// The first packet, without its type.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// Names the session in further requests. It is the only credential of the session.
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
    pub(crate) fn new(sid: &str, upgrades: &'static [&'static str], settings: &Settings) -> Self {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            sid: sid.to_owned(),
            upgrades,
            ping_interval: millis(settings.ping_interval),
            ping_timeout: millis(settings.ping_timeout),
            max_payload: settings.max_payload,
        }
    }

    /// The packet.
    pub(crate) fn packet(&self) -> String {
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
    /// No transport, or one that is not served.
    pub const TRANSPORT: Self = Self::new(0, "Transport unknown");
    /// No such session, or one that is over.
    pub const SESSION: Self = Self::new(1, "Session ID unknown");
    /// A session is opened by a GET.
    pub const METHOD: Self = Self::new(2, "Bad handshake method");
    /// Not what the protocol allows now.
    pub const BAD_REQUEST: Self = Self::new(3, "Bad request");
    /// Not Engine.IO 4.
    pub const VERSION: Self = Self::new(5, "Unsupported protocol version");
    /// A payload above the limit.
    pub const TOO_BIG: Self = Self::of(3, "Payload too large", StatusCode::PAYLOAD_TOO_LARGE);
    /// A payload that did not come in time.
    pub const TOO_SLOW: Self = Self::of(3, "The payload took too long", StatusCode::REQUEST_TIMEOUT);
    /// More sessions than may be polled.
    pub const TOO_MANY: Self = Self::of(4, "Too many sessions, come back later", StatusCode::TOO_MANY_REQUESTS);

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
