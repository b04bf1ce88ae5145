//! The hub: follows the log and puts each event into the outboxes of the connected users that receive it.
//!
//! `user` receives event `e` iff `e` is scope-wide and one of the user's intervals of `e.scope` contains
//! `e.position`, both ends included, or the user is in `e.about`: live, from the ring and from the store.

mod attach;
mod call_payloads;
mod catch_up;
mod counters;
mod follow;
mod frames;
mod handle;
mod lifeline;
mod lifelines;
mod meters;
mod newer;
mod partings;
mod person;
mod reader;
mod revisions;
mod ring;
mod signals;
mod state;
mod sync;
#[cfg(test)]
mod tests;
mod unreadable;
mod watcher;
mod watches;

pub use call_payloads::Attachment;
pub use catch_up::{Seat, Start};
pub use counters::SignalCounts;
pub use handle::Hub;
pub use lifeline::Lifeline;
pub use partings::WatchToRecheck;
pub use sync::SyncPage;
pub use watcher::{Watcher, Wished};
