//! State that the tasks of the connections share.

use super::{
    link::Links,
    outbox::Outbox,
    status::Status,
    topology::RateLimitedWarnings,
    wire::{Parcel, Wire},
};
use crate::{InProcess, random, stats::Counters};
use lapin::uri::AMQPUri;
use std::sync::Arc;

/// State that the tasks of the connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) local: Arc<InProcess>,
    pub(crate) address: AMQPUri,
    pub(crate) wire: Wire,
    pub(crate) outbox: Outbox,
    pub(crate) status: Status,
    pub(crate) links: Links,
    pub(crate) warnings: RateLimitedWarnings,
}

impl Shared {
    pub(crate) fn counters(&self) -> &Counters {
        self.local.counters()
    }

    /// Sends a message, if RabbitMQ is available and there is room; counts it otherwise. Returns whether it is sent.
    pub(crate) fn put(&self, parcel: Parcel) -> bool {
        self.outbox.put(parcel, &self.status.publishing, self.counters())
    }

    /// The name of a connection in RabbitMQ's lists.
    pub(crate) fn connection_name(&self, what: &str) -> String {
        format!("{} {what} {}", self.wire.names().events(), self.wire.node())
    }

    /// A suffix for a queue of this process alone, never used before: an earlier queue may still be locked.
    pub(crate) fn new_owner(&self) -> String {
        format!("{}.{:08x}", self.wire.node(), random::bits() as u32)
    }
}
