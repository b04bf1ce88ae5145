//! Frames of signals.

use crate::{outbox::Dialect, push::socket_io_signal};
use axum::extract::ws::Utf8Bytes;
use broker::Signal;
use domain::Timestamp;
use serde::Serialize;
use std::cell::OnceCell;

/// The frame of a signal.
#[derive(Serialize)]
struct Frame<'a, D> {
    signal: &'a str,
    data: &'a D,
}

/// A signal on its way to sockets, rendered once per dialect.
pub(super) struct Frames<'a> {
    signal: &'a Signal,
    now: Timestamp,
    plain: OnceCell<Utf8Bytes>,
    socket_io: OnceCell<Utf8Bytes>,
}

impl<'a> Frames<'a> {
    pub(super) const fn new(signal: &'a Signal, now: Timestamp) -> Self {
        Self { signal, now, plain: OnceCell::new(), socket_io: OnceCell::new() }
    }

    pub(super) fn of(&self, dialect: Dialect) -> Utf8Bytes {
        let Signal { name, data, .. } = self.signal;
        let frame = match dialect {
            Dialect::Plain => self.plain.get_or_init(|| frame(name, data)),
            Dialect::SocketIo => self.socket_io.get_or_init(|| socket_io_signal(name, data, self.now).into()),
        };
        frame.clone()
    }
}

/// The frame of a signal.
pub(super) fn frame<D: Serialize>(name: &str, data: &D) -> Utf8Bytes {
    // Names and JSON always make a text.
    serde_json::to_string(&Frame { signal: name, data }).unwrap_or_default().into()
}
