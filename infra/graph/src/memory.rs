//! The graph in this process's memory.

use crate::{GraphError, Marks, leases::Leases, relations::Relations};
use domain::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The graph in this process's memory.
#[derive(Debug, Default)]
pub struct Memory {
    epochs: Mutex<Epochs>,
    leases: Mutex<Leases>,
}

/// The published epoch and those that are being filled.
#[derive(Debug, Default)]
struct Epochs {
    last: u64,
    published: Option<u64>,
    relations: BTreeMap<u64, Relations>,
}

impl Memory {
    pub(crate) fn begin(&self, now: Timestamp) -> u64 {
        let mut epochs = self.epochs();
        epochs.last = (epochs.last + 1).max(u64::try_from(now.millis()).unwrap_or(0));
        let number = epochs.last;
        epochs.relations.insert(number, Relations::default());
        number
    }

    pub(crate) fn published(&self) -> Option<u64> {
        self.epochs().published
    }

    pub(crate) fn publish(&self, number: u64) -> bool {
        let mut epochs = self.epochs();
        let is_newer = epochs.published.is_none_or(|published| published < number);
        if is_newer && epochs.relations.contains_key(&number) {
            epochs.published = Some(number);
            epochs.relations = epochs.relations.split_off(&number);
        }
        epochs.published == Some(number)
    }

    pub(crate) fn write(&self, number: u64, write: impl FnOnce(&mut Relations)) {
        if let Some(relations) = self.epochs().relations.get_mut(&number) {
            write(relations);
        }
    }

    pub(crate) fn marks(&self, number: u64) -> Marks {
        self.epochs().relations.get(&number).map(|relations| relations.marks().clone()).unwrap_or_default()
    }

    /// Reads the published epoch.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Relations) -> T) -> Result<T, GraphError> {
        let epochs = self.epochs();
        let relations = epochs.published.and_then(|number| epochs.relations.get(&number));
        relations.map(read).ok_or(GraphError::Rebuilding)
    }

    pub(crate) fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn epochs(&self) -> MutexGuard<'_, Epochs> {
        // No code panics while it holds the lock.
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
