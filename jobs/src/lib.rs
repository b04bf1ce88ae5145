//! Work beside requests: reactions to events, work at deadlines, upkeep of indexes.
//!
//! A job is the name of a lease and the work done while one process holds it. It keeps nothing in memory that the next
//! holder cannot find, and does no harm when two processes run it for a moment. A reactor follows the lanes
//! ([`React`]); work at deadlines is [`Periodic`].
#![expect(missing_docs, reason = "most names say what they mean; docs state units, failures and surprises")]

mod calls;
mod complete_erasures;
mod expire_stories;
mod file_gc;
mod indexes;
mod lateness;
mod periodic;
mod purge;
mod reactors;

pub use calls::{CallJobs, DropDisconnected, TimeOutCalls};
pub use complete_erasures::CompleteErasures;
pub use expire_stories::ExpireStories;
pub use file_gc::{FileGc, FileGcError};
pub use indexes::{FeedGraph, IndexLog, IndexWords};
pub use periodic::Periodic;
pub use purge::Purge;
pub use reactors::{Checkpoints, React, Reactor};

use tokio_util::sync::CancellationToken;

/// Work that one process at a time does, under a lease.
pub trait Job: Clone + Send + 'static {
    /// The name of its lease.
    fn name(&self) -> String;

    /// Works until `stop`.
    fn run(self, stop: CancellationToken) -> impl Future<Output = ()> + Send;
}
