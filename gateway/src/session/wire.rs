//! Reading from and writing to a WebSocket, with every wait bounded.

use super::{Close, Gone, Heard};
use crate::hub::HubSettings;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error as Fault;

/// How long a client may take to answer a close.
const FAREWELL: Duration = Duration::from_secs(5);

/// Read at once; small, because most sockets are idle.
const READ_BUFFER: usize = 4 * 1024;
/// Written at once.
const WRITE_BUFFER: usize = 16 * 1024;

/// An upgrade with the limits of a socket.
pub(crate) fn limited(upgrade: WebSocketUpgrade, settings: &HubSettings) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(settings.outbox_bytes + 2 * WRITE_BUFFER)
        .max_message_size(settings.frame_bytes)
        .max_frame_size(settings.frame_bytes)
}

/// A WebSocket.
pub(crate) struct Wire {
    socket: WebSocket,
    write_within: Duration,
}

impl Wire {
    pub(crate) fn new(socket: WebSocket, write_within: Duration) -> Self {
        Self { socket, write_within }
    }

    /// The next thing to come in. Cancel-safe.
    pub(crate) async fn hear(&mut self) -> Heard {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => Heard::Text(text),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Heard::Life,
            Some(Ok(Message::Binary(_))) => Heard::Bad(Close::NotText),
            Some(Ok(Message::Close(_))) | None => Heard::Gone,
            Some(Err(error)) => match error.into_inner().downcast_ref::<Fault>() {
                Some(Fault::Capacity(_)) => Heard::Bad(Close::TooBig),
                Some(Fault::Utf8(_)) => Heard::Bad(Close::NotUtf8),
                _ => Heard::Gone,
            },
        }
    }

    /// Writes frames together.
    pub(crate) async fn write(&mut self, frames: impl IntoIterator<Item = Utf8Bytes>) -> Result<(), Gone> {
        self.send(frames.into_iter().map(Message::Text)).await
    }

    /// Asks whether the client lives.
    pub(crate) async fn ping(&mut self) -> Result<(), Gone> {
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

    /// Says why, and waits a little for the client to say goodbye: a socket that is dropped with something
    /// unread resets the connection, and the client would not hear why.
    pub(crate) async fn close(mut self, why: Close) {
        let frame = CloseFrame { code: why.code(), reason: why.reason().into() };
        let farewell = async {
            if self.socket.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = timeout(FAREWELL, farewell).await;
    }
}
