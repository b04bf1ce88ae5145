//! The graph in this process's memory.

use crate::{leases::Leases, relations::Relations};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The graph in this process's memory.
#[derive(Debug, Default)]
pub struct Memory {
    relations: Mutex<Relations>,
    leases: Mutex<Leases>,
}

impl Memory {
    pub(crate) fn relations(&self) -> MutexGuard<'_, Relations> {
        // Nothing panics while it holds the lock.
        self.relations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
