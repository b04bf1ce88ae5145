//! What the doors of sockets share.

use super::{peers::Peers, session::Commands, sio::Sessions};
use axum::extract::FromRef;
use operations::App;
use std::ops::Deref;

/// The app and what sockets alone have. Clones share it.
#[derive(Clone)]
pub struct SocketApp {
    /// What all doors share.
    pub app: App,
    /// The Socket.IO sessions that are polled.
    pub polled: Sessions,
    /// The other gateways.
    pub peers: Peers,
    /// What sockets can be asked to do.
    pub socket_commands: Commands,
}

impl Deref for SocketApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl FromRef<SocketApp> for App {
    fn from_ref(sockets: &SocketApp) -> Self {
        sockets.app.clone()
    }
}
