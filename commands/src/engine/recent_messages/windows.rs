//! Entries per account, in bounded memory.

use domain::UserId;
use quick_cache::{Weighter, sync::Cache};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The expected number of accounts: low, so that a shard of the cache holds many that flood.
const EXPECTED: usize = 512;
/// The bytes of an account besides its entries (roughly).
const ACCOUNT_BYTES: u64 = 128;

/// An entry list per account, bounded by the bytes of all; the account that was silent longest is dropped first.
pub(super) struct Windows<T>(pub(super) Cache<UserId, Window<T>, ByWeight>);

/// The entries of one account, the oldest first.
pub(super) struct Window<T> {
    entries: Arc<Mutex<VecDeque<T>>>,
    /// As of the last insertion into the cache, which does not notice growth.
    weight: u64,
}

#[derive(Clone)]
pub(super) struct ByWeight;

impl<T> Windows<T> {
    pub(super) fn new(bytes: u64) -> Self {
        Self(Cache::with_weighter(EXPECTED, bytes, ByWeight))
    }

    pub(super) fn of(&self, user: UserId) -> Window<T> {
        let made = self.0.get_or_insert_with(&user, || {
            Ok::<_, std::convert::Infallible>(Window { entries: Arc::default(), weight: ACCOUNT_BYTES })
        });
        match made {
            Ok(window) => window,
            Err(never) => match never {},
        }
    }

    /// Tells the cache the weight of a window that has grown.
    pub(super) fn weigh(&self, user: UserId, window: &Window<T>, capacity: usize) {
        let weight = ACCOUNT_BYTES + (capacity * size_of::<T>()) as u64;
        if weight != window.weight {
            self.0.insert(user, Window { entries: Arc::clone(&window.entries), weight });
        }
    }
}

impl<T> Window<T> {
    pub(super) fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Window<T> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries), weight: self.weight }
    }
}

impl<T> Weighter<UserId, Window<T>> for ByWeight {
    fn weight(&self, _: &UserId, window: &Window<T>) -> u64 {
        window.weight
    }
}
