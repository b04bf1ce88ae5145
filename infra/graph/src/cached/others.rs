//! Ids shared with the cache, not copied.

use std::{collections::BTreeSet, marker::PhantomData, sync::Arc};
use uuid::Uuid;

/// The users or conversations at the other ends of relations, in the order of their ids. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Others<T> {
    ids: Arc<BTreeSet<Uuid>>,
    kind: PhantomData<T>,
}

impl<T> Others<T> {
    pub(super) const fn new(ids: Arc<BTreeSet<Uuid>>) -> Self {
        Self { ids, kind: PhantomData }
    }

    /// Their number.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl<T: Into<Uuid>> Others<T> {
    /// Whether `other` is among them.
    #[must_use]
    pub fn contains(&self, other: T) -> bool {
        self.ids.contains(&other.into())
    }
}

impl<T: From<Uuid>> Others<T> {
    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + '_ {
        self.ids.iter().copied().map(T::from)
    }
}
