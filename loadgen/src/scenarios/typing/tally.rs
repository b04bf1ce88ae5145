//! Counts of the large room, shared between threads.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    /// `typing.start` commands.
    pub(super) sent: u64,
    pub(super) refused: u64,
    /// Sockets that ended and came back.
    pub(super) reconnects: u64,
    /// Signals received by each socket.
    pub(super) received: Vec<u64>,
}

pub(super) struct Tally {
    is_typing: AtomicBool,
    counted: Mutex<Counted>,
}

impl Tally {
    pub(super) fn new(sockets: usize) -> Self {
        let counted = Counted { received: vec![0; sockets], ..Counted::default() };
        Self { is_typing: AtomicBool::new(false), counted: Mutex::new(counted) }
    }

    /// Lets people type, or stops them.
    pub(super) fn types(&self, is_typing: bool) {
        self.is_typing.store(is_typing, Relaxed);
    }

    pub(super) fn is_typing(&self) -> bool {
        self.is_typing.load(Relaxed)
    }

    pub(super) fn count(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
