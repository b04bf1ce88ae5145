//! How far a consumer has come, and the order it keeps.

use event_store::Position;

/// The positions up to which a consumer has received the events of each tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// In the high tier.
    pub high: Position,
    /// In the medium tier.
    pub medium: Position,
}

/// The order of the events (I12). High events always come in position order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// Workers: within each partition on its own, a medium event waits for the high events before it.
    Partition,
    /// Gateways: over all partitions, a medium event waits for all events before it.
    Global,
}
