//! What one socket, one user and one hub may take up.

use domain::text::limits;
use std::time::Duration;

/// What one socket, one user and one hub may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketSettings {
    /// The largest frame a client may send.
    pub frame_bytes: usize,
    /// The longest content of a message.
    pub content_bytes: usize,
    /// Sockets a user may have open; one more closes the oldest.
    pub sockets_per_user: usize,
    /// Socket.IO sessions that may be polled at the same time.
    pub polled: usize,
    /// Of these, how many of one address may not have shown their credentials yet.
    pub strangers_per_address: usize,
    /// Socket.IO requests and WebSockets that may be under way through this process to others, whose they are.
    pub passed_on: usize,
    /// What may wait for a slow client; above it the socket is closed.
    pub outbox_bytes: usize,
    /// What may wait for all clients of this process together, what is being written included; above it the sockets of who
    /// has most are closed.
    pub backlog_bytes: usize,
    /// Commands of a socket that may be under way; above it the socket is not read.
    pub commands_in_flight: usize,
    /// Frames a second that a client may send, on average.
    pub frames_per_second: u32,
    /// Frames that a client may send at once.
    pub frames_at_once: u32,
    /// How often the server pings; a client that misses two is gone.
    pub heartbeat: Duration,
    /// How long a client may take to show its credentials.
    pub credentials_within: Duration,
    /// How long a client may take to read what is written to it at once.
    pub write_within: Duration,
    /// How long a socket's lease lasts: as long as the people of a process that died may seem to be here.
    pub lease: Duration,
    /// How long somebody whose last socket has gone is still here.
    pub presence_grace: Duration,
    /// How long signals are worth telling: the target of the low tier.
    pub signals_worth: Duration,
    /// Recent events that the hub keeps for those who come back.
    pub ring_events: usize,
    /// Bytes of recent events that the hub keeps.
    pub ring_bytes: usize,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            frame_bytes: 64 * 1024,
            content_bytes: limits::CONTENT * limits::BYTES_EACH,
            sockets_per_user: 10,
            polled: 20_000,
            strangers_per_address: 1_024,
            passed_on: 20_000,
            outbox_bytes: 1024 * 1024,
            backlog_bytes: 256 * 1024 * 1024,
            commands_in_flight: 32,
            frames_per_second: 300,
            frames_at_once: 1_200,
            heartbeat: Duration::from_secs(25),
            credentials_within: Duration::from_secs(5),
            write_within: Duration::from_secs(60),
            lease: Duration::from_secs(45),
            presence_grace: Duration::from_secs(10),
            signals_worth: Duration::from_secs(2),
            ring_events: 65_536,
            ring_bytes: 32 * 1024 * 1024,
        }
    }
}
