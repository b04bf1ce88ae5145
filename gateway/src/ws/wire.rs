//! Reading from and writing to a WebSocket, with every wait bounded.

use crate::session::Close;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error as Fault;

/// How long a client may take to answer a close.
const FAREWELL: Duration = Duration::from_secs(5);

/// A WebSocket.
pub(super) struct Wire {
    socket: WebSocket,
    write_within: Duration,
}

/// What came in.
pub(super) enum Heard {
    /// A text frame.
    Text(Utf8Bytes),
    /// A ping or pong: the client lives.
    Life,
    /// Something after which the socket must be closed.
    Bad(Close),
    /// The client is gone.
    Gone,
}

/// The client is gone, or does not read.
pub(super) struct Gone;

impl Wire {
    pub(super) fn new(socket: WebSocket, write_within: Duration) -> Self {
        Self { socket, write_within }
    }

    /// The next thing to come in. Cancel-safe.
    pub(super) async fn hear(&mut self) -> Heard {
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
    pub(super) async fn write(&mut self, frames: impl IntoIterator<Item = Utf8Bytes>) -> Result<(), Gone> {
        self.send(frames.into_iter().map(Message::Text)).await
    }

    /// Asks whether the client lives.
    pub(super) async fn ping(&mut self) -> Result<(), Gone> {
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
    pub(super) async fn close(mut self, why: Close) {
        let frame = CloseFrame { code: why.code(), reason: why.reason().into() };
        let farewell = async {
            if self.socket.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = timeout(FAREWELL, farewell).await;
    }
}
