//! Reading lanes completely and in order, with the broker as the hint and the store as the truth.

use crate::Subscription;
use domain::Partition;
use event_store::{EventStore, Position, ReadError, RecordedEvent};
use std::{collections::BTreeMap, sync::Arc};

/// How far somebody has come: all high events up to `high`, all medium ones up to `medium`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// In the high tier.
    pub high: Position,
    /// In the medium tier.
    pub medium: Position,
}

/// Which order an event must keep (I12). High events always come in position order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// Workers: within each partition on its own, a medium event waits for the high events before it.
    Partition,
    /// Gateways: over all partitions, a medium event waits for all events before it.
    Global,
}

/// Reads lanes completely and in order.
pub struct Follower {
    _todo: (),
}

impl Follower {
    /// Follows `partitions` (with [`Ordering::Global`]: all of them) from where each has come to. With `Global`
    /// all partitions start from the same marks.
    #[must_use]
    pub fn new(
        _store: EventStore,
        _hints: Subscription,
        _ordering: Ordering,
        _from: BTreeMap<Partition, Marks>,
    ) -> Self {
        unimplemented!()
    }

    /// At least one and at most `max` further events, each exactly once, in an order that keeps [`Ordering`]:
    /// ready high events first, then ready medium ones. Waits until there is one. Cancel-safe.
    ///
    /// # Errors
    /// When the store must be asked and cannot; asking again later goes on where this stopped.
    pub async fn next(&mut self, _max: usize) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        unimplemented!()
    }

    /// How far what was yielded goes, per partition ([`Ordering::Global`]: the same for each).
    #[must_use]
    pub fn marks(&self) -> &BTreeMap<Partition, Marks> {
        unimplemented!()
    }
}
