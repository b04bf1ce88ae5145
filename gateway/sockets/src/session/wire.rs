//! WebSockets and sessions of Engine.IO, as the core of a session reads them.

use super::{Close, Incoming};
use axum::extract::ws::WebSocketUpgrade;
use config::SocketSettings;
use engine_io::Fault;

/// An upgrade with the limits of a socket.
pub(crate) fn limited(upgrade: WebSocketUpgrade, settings: &SocketSettings) -> WebSocketUpgrade {
    engine_io::limited(upgrade, settings.frame_bytes, settings.outbox_bytes)
}

impl From<engine_io::Received> for Incoming {
    fn from(received: engine_io::Received) -> Self {
        match received {
            engine_io::Received::Text(text) => Self::Text(text),
            engine_io::Received::Binary(_) => Self::Bad(Close::NotText),
            engine_io::Received::Life => Self::Life,
            engine_io::Received::Bad(fault) => Self::Bad(close_of(fault)),
            engine_io::Received::Gone => Self::Gone,
        }
    }
}

/// The close code of a fault.
pub(crate) const fn close_of(fault: Fault) -> Close {
    match fault {
        Fault::NotOurs => Close::NotOurs,
        Fault::NotText => Close::NotText,
        Fault::NotUtf8 => Close::NotUtf8,
        Fault::TooBig => Close::TooBig,
        Fault::Silent => Close::GoingAway,
    }
}
