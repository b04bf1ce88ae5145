//! The Socket.IO sessions of this process, and whose a session is that is not its own.

use super::sid::Sids;
use config::SocketSettings;
use engine_io::Settings;
use event_store::EventStore;
use std::time::Duration;
use uuid::Uuid;

/// The sessions of this process that are polled. Clones share them.
#[derive(Clone)]
pub struct Sessions {
    pub(super) engine: engine_io::Sessions,
    sids: Sids,
}

/// Whose a sid is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// A session of this process that is over, or has moved to a WebSocket.
    Ours,
    /// A session of another process.
    Another(Uuid),
    /// No session's.
    Nobody,
}

impl Sessions {
    /// Those of the process `node`; names are those of a log. A payload may take as long as `patience` to come.
    #[must_use]
    pub fn new(node: Uuid, store: &EventStore, settings: &SocketSettings, patience: Duration) -> Self {
        let sids = Sids::new(node, store.authenticator("socket.io session"));
        let settings = Settings {
            ping_interval: settings.heartbeat,
            ping_timeout: settings.heartbeat,
            max_payload: settings.frame_bytes,
            max_outbox: settings.outbox_bytes,
            read_within: patience,
            write_within: settings.write_within,
            polled: settings.polled,
            strangers_per_address: settings.strangers_per_address,
        };
        Self { engine: engine_io::Sessions::new(settings), sids }
    }

    /// The name of a new session; `None` when the system gives no randomness.
    pub(super) fn sid(&self) -> Option<String> {
        self.sids.fresh()
    }

    /// Whose session this is that is not found here.
    pub(super) fn whose(&self, sid: &str) -> Whose {
        match self.sids.node_of(sid) {
            None => Whose::Nobody,
            Some(node) if node == self.sids.node() => Whose::Ours,
            Some(node) => Whose::Another(node),
        }
    }
}
