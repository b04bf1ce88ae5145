//! What the large room said and was told, as its threads count it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// What was counted so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    /// Times that somebody said they type.
    pub(super) sent: u64,
    /// Of them, those that were refused.
    pub(super) refused: u64,
    /// Sockets that ended and came back.
    pub(super) reconnects: u64,
    /// Signals that arrived, at each socket.
    pub(super) received: Vec<u64>,
}

/// What the large room said and was told.
pub(super) struct Tally {
    is_typing: AtomicBool,
    sent: AtomicU64,
    refused: AtomicU64,
    reconnects: AtomicU64,
    received: Vec<AtomicU64>,
}

impl Tally {
    /// Of so many sockets; nobody types.
    pub(super) fn new(sockets: usize) -> Self {
        Self {
            is_typing: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            received: (0..sockets).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// From here on people type, or no longer.
    pub(super) fn types(&self, is_typing: bool) {
        self.is_typing.store(is_typing, Relaxed);
    }

    /// Whether they type.
    pub(super) fn is_typing(&self) -> bool {
        self.is_typing.load(Relaxed)
    }

    /// Somebody said that they type.
    pub(super) fn sent(&self) {
        self.sent.fetch_add(1, Relaxed);
    }

    /// That was refused.
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// A signal arrived at a socket.
    pub(super) fn received(&self, socket: usize) {
        if let Some(count) = self.received.get(socket) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// A socket ended, and is to come back.
    pub(super) fn ended(&self) {
        self.reconnects.fetch_add(1, Relaxed);
    }

    /// What was counted so far.
    pub(super) fn told(&self) -> Counted {
        Counted {
            sent: self.sent.load(Relaxed),
            refused: self.refused.load(Relaxed),
            reconnects: self.reconnects.load(Relaxed),
            received: self.received.iter().map(|count| count.load(Relaxed)).collect(),
        }
    }
}
