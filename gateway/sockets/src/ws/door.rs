//! The door `/ws`: a WebSocket, and one JSON object a frame.

use super::frame::{self, Ask};
use crate::session::{Answered, Close, Dialect, Door, Gone, Hello, Inbound, Incoming, Wire};
use axum::extract::ws::Utf8Bytes;

/// A client of `/ws`.
pub(super) struct Plain(pub(super) Wire);

impl Door for Plain {
    type Ask = Ask;

    const DIALECT: Dialect = Dialect::Plain;

    async fn receive(&mut self) -> Incoming {
        self.0.receive().await.into()
    }

    async fn write(&mut self, frames: Vec<Utf8Bytes>) -> Result<(), Gone> {
        self.0.write(frames).await
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        self.0.ping().await
    }

    async fn close(self, why: Close) {
        self.0.close(why.code(), why.reason()).await;
    }

    fn read(text: &str) -> Inbound<Ask> {
        frame::read(text)
    }

    fn welcome(&mut self, hello: &Hello, _ask: Option<&Ask>) -> Vec<Utf8Bytes> {
        vec![frame::write(hello)]
    }

    fn answer(ask: Ask, answered: Answered) -> Option<Utf8Bytes> {
        Some(frame::answer(&ask, answered))
    }
}
