//! The part of the log that an answer depends on.

use domain::Partition;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The part of the log that an answer depends on, and whose projection a reader waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    Whole,
    Partitions(BTreeSet<Partition>),
}

impl Extent {
    /// The partitions of these scopes, in a log of `partitions` partitions.
    #[must_use]
    pub fn of(scopes: impl IntoIterator<Item = Uuid>, partitions: u16) -> Self {
        Self::Partitions(scopes.into_iter().map(|scope| Partition::of(scope, partitions)).collect())
    }

    pub(super) fn has(&self, partition: Partition) -> bool {
        match self {
            Self::Whole => true,
            Self::Partitions(some) => some.contains(&partition),
        }
    }
}
