//! The two doors of sockets: `/ws`, and Socket.IO over a WebSocket.

use crate::{
    frames::SENT,
    socket::{Ended, Socket},
};
use clap::ValueEnum;
use memchr::memmem::find;
use std::{net::SocketAddr, time::Duration};
use tokio::time::sleep;

const SOCKET_IO: &str = "/socket.io/?EIO=4&transport=websocket";
/// A message, as Socket.IO frames it.
const EMITTED: &[u8] = br#"42["message.sent","#;
/// The pause after a refusal for now.
const AGAIN: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Door {
    Ws,
    SocketIo,
}

impl Door {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ws => "/ws",
            Self::SocketIo => "/socket.io/",
        }
    }

    /// Opens a socket. A refusal for now is followed by another attempt.
    pub(super) async fn open(self, address: SocketAddr, token: &str) -> Result<Socket, Ended> {
        loop {
            let opened = match self {
                Self::Ws => Socket::open(address, token, None).await,
                Self::SocketIo => open_socket_io(address, token).await,
            };
            match opened {
                Err(Ended::Refused(429 | 503)) => sleep(AGAIN).await,
                opened => return opened,
            }
        }
    }

    /// Whether a frame has a message.
    pub(super) fn is_message(self, frame: &[u8]) -> bool {
        match self {
            Self::Ws => find(frame, SENT).is_some(),
            Self::SocketIo => frame.starts_with(EMITTED),
        }
    }

    /// What a frame must be answered with: Socket.IO has pings of its own.
    pub(super) fn answer(self, frame: &[u8]) -> Option<&'static [u8]> {
        (self == Self::SocketIo && frame == b"2").then_some(b"3".as_slice())
    }
}

/// Opens a session of Engine.IO, and connects to the only namespace.
async fn open_socket_io(address: SocketAddr, token: &str) -> Result<Socket, Ended> {
    let mut socket = Socket::open_path(address, SOCKET_IO).await?;
    expect(&mut socket, b"0").await?;
    socket.send(format!(r#"40{{"token":"{token}"}}"#).as_bytes())?;
    expect(&mut socket, b"40").await?;
    Ok(socket)
}

/// Waits for a frame that begins so.
async fn expect(socket: &mut Socket, beginning: &[u8]) -> Result<(), Ended> {
    loop {
        match socket.take_one()? {
            Some(frame) if frame.starts_with(beginning) => return Ok(()),
            Some(_) => return Err(Ended::Nonsense("the server does not speak Socket.IO")),
            None => socket.ready().await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Door;

    #[test]
    fn pings_of_socket_io_are_answered_and_messages_counted_at_each_door() {
        assert_eq!(Door::SocketIo.answer(b"2"), Some(b"3".as_slice()));
        assert_eq!((Door::SocketIo.answer(b"42[]"), Door::Ws.answer(b"2")), (None, None));
        assert!(Door::SocketIo.is_message(br#"42["message.sent",{"content":"x"}]"#));
        assert!(!Door::SocketIo.is_message(br#"42["messageComing",{"event":"message.sent"}]"#));
        assert!(Door::Ws.is_message(br#"{"event":"message.sent","position":1}"#));
    }
}
