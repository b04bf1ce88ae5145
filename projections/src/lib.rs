//! The read side: projections fold the log into read models, and workers keep them current.
//!
//! Everything here can be dropped and rebuilt from the log. Queries on the read models are the crate [`queries`].

#![expect(missing_docs, reason = "a field is documented where its unit, range or absence surprises")]

mod apply;
pub mod audit;
mod checkpoint;
mod erasures;
mod error;
pub mod graph_feed;
mod leasing;
mod parked;
pub mod presence;
mod projection;
pub mod rebuild;
pub mod rebuilds;
#[cfg(test)]
mod tests;
mod word_index;
pub mod worker;

pub use apply::Applier;
pub use checkpoint::{Checkpoint, Checkpoints, checkpoints, mark};
pub use erasures::{Erasure, Erasures};
pub use error::{ApplyError, Error};
pub use leasing::{Gateways, Owner, SingletonJob};
pub use parked::{
    BackOff, Parked, ParkedCount, ParkedId, ParkedState, count_parked, discard, is_first_parked, list_parked,
    parked_page, requeue,
};
pub use presence::{Chosen, PresenceStore};
pub use projection::{Key, Opened, Projection, Table, migrator};
pub use queries::{self, Queries};
pub use rebuilds::Rebuilds;
pub use word_index::WordIndex;
pub use worker::{Extent, Lag, LaneLag, Parking, Progress, Standing, Worker, WorkerSettings};

#[cfg(test)]
extern crate self as projections;
