//! Engine.IO 4 over polling and WebSocket, and the packets of Socket.IO 5, with every queue, payload and wait bounded on
//! both transports. It knows nothing of what its sessions are for: an [`Application`] serves each of them.

mod handshake;
mod heartbeat;
mod packet;
mod polling;
mod requests;
mod session;
mod sessions;
pub mod socket_io;
mod upgrade;
mod wire;

pub use handshake::{EngineError, Open};
pub use packet::{BETWEEN, Fault, Gone, Received, binary, joined};
pub use requests::{Found, Query, Transport};
pub use session::{Application, Closing, Outlet, Session, Turn};
pub use sessions::{Asked, Sessions};
pub use wire::{Wire, limited};

use std::time::Duration;

/// What is written at once, in bytes.
pub const BURST: usize = 64 * 1024;

/// What a session, and all of them, may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How often the server pings.
    pub ping_interval: Duration,
    /// How long a pong may take.
    pub ping_timeout: Duration,
    /// The largest payload or frame a client may send, in bytes.
    pub max_payload: usize,
    /// What an application may have to say to one client at once, in bytes.
    pub max_outbox: usize,
    /// How long a client may take to send a payload.
    pub read_within: Duration,
    /// How long a client may take to read what is written to it at once.
    pub write_within: Duration,
    /// Sessions that may be polled at the same time.
    pub polled: usize,
    /// Of these, how many of one address may be [strangers](Session::is_known).
    pub strangers_per_address: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) const SETTINGS: Settings = Settings {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        max_payload: 1_000_000,
        max_outbox: 1_000_000,
        read_within: Duration::from_secs(10),
        write_within: Duration::from_secs(60),
        polled: 4,
        strangers_per_address: 2,
    };
}
