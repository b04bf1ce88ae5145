//! Reading from and writing to a WebSocket, with every wait bounded.

use crate::{Fault, Gone, Received, packet::content};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, error::ProtocolError, protocol::frame::coding::CloseCode};

/// How long a client may take to answer a close.
const FAREWELL: Duration = Duration::from_secs(5);

/// Read at once; small, because most sockets are idle.
const READ_BUFFER: usize = 4 * 1024;
/// Written at once.
const WRITE_BUFFER: usize = 16 * 1024;

/// An upgrade with the limits of a socket: frames and messages of at most `max_payload` bytes, and so much to be written.
pub fn limited(upgrade: WebSocketUpgrade, max_payload: usize, max_outbox: usize) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(max_outbox + 2 * WRITE_BUFFER)
        .max_message_size(max_payload)
        .max_frame_size(max_payload)
}

/// A WebSocket.
#[derive(Debug)]
pub struct Wire {
    socket: WebSocket,
    write_within: Duration,
}

impl Wire {
    /// A client that does not read a frame within `write_within` is disconnected.
    #[must_use]
    pub fn new(socket: WebSocket, write_within: Duration) -> Self {
        Self { socket, write_within }
    }

    /// The next thing to come in. Cancel-safe.
    pub async fn receive(&mut self) -> Received {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => Received::Text(text),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Received::Life,
            Some(Ok(Message::Binary(content))) => Received::Binary(content),
            Some(Ok(Message::Close(_))) => {
                self.part().await;
                Received::Gone
            }
            None => Received::Gone,
            Some(Err(error)) => match error.into_inner().downcast_ref::<Error>() {
                Some(Error::Capacity(_)) => Received::Bad(Fault::TooBig),
                Some(Error::Utf8(_)) => Received::Bad(Fault::NotUtf8),
                Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Received::Gone,
                Some(Error::Protocol(_)) => Received::Bad(Fault::NotOurs),
                _ => Received::Gone,
            },
        }
    }

    /// Writes frames of text together.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn write(&mut self, frames: impl IntoIterator<Item = Utf8Bytes>) -> Result<(), Gone> {
        self.send(frames.into_iter().map(Message::Text)).await
    }

    /// Writes packets of Engine.IO together.
    pub(crate) async fn write_packets(&mut self, packets: impl IntoIterator<Item = Utf8Bytes>) -> Result<(), Gone> {
        let frame = |packet: Utf8Bytes| content(&packet).map_or(Message::Text(packet), Message::Binary);
        self.send(packets.into_iter().map(frame)).await
    }

    /// Asks by a ping of WebSocket whether the client lives.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn ping(&mut self) -> Result<(), Gone> {
        self.send([Message::Ping(axum::body::Bytes::new())]).await
    }

    async fn send(&mut self, messages: impl IntoIterator<Item = Message>) -> Result<(), Gone> {
        let socket = &mut self.socket;
        let sent = timeout(self.write_within, async {
            for message in messages {
                socket.feed(message).await?;
            }
            socket.flush().await
        });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }

    /// Says why, and waits a little for the client to close as well: a socket that is dropped with something
    /// unread resets the connection, and the client would not receive the reason.
    pub async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code, reason: reason.into() };
        let farewell = async {
            if self.socket.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = timeout(FAREWELL, farewell).await;
    }

    /// Says that the session is over, as its client did, and waits a little for the client's Close.
    pub(crate) async fn end(&mut self) {
        let frame = CloseFrame { code: CloseCode::Normal.into(), reason: Utf8Bytes::default() };
        if self.send([Message::Close(Some(frame))]).await.is_ok() {
            self.part().await;
        }
    }

    /// Reads to the end of the stream, a little at most. The answer to a client's Close (RFC 6455, 5.5.1) is queued when that
    /// is read, and written by the next look at the stream: a socket that is dropped before was not closed cleanly to a browser.
    async fn part(&mut self) {
        let _ = timeout(FAREWELL, async { while let Some(Ok(_)) = self.socket.next().await {} }).await;
    }
}
