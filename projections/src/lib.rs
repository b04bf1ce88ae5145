//! The read side: projections fold the log into read models, workers keep them up, queries answer from them.
//!
//! Whatever stands here can be thrown away and rebuilt from the log.

mod apply;
mod attempt;
pub mod audit;
mod calls;
mod checkpoint;
mod conversations;
mod duty;
mod erasures;
mod error;
mod files;
mod friendships;
pub mod graph_feed;
mod invites;
mod message_words;
mod messages;
mod now;
mod own_settings;
mod owner;
mod parked;
pub mod presence;
mod projection;
pub mod queries;
mod read_markers;
pub mod rebuild;
pub mod rebuilds;
mod release;
mod reports;
mod schema;
mod stories;
#[cfg(test)]
mod tests;
mod user_words;
mod users;
mod words;
pub mod worker;

pub use checkpoint::{Checkpoint, checkpoints, mark};
pub use duty::Duty;
pub use erasures::{Erasure, Erasures};
pub use error::{ApplyError, Error};
pub use owner::Owner;
pub use parked::{Parked, ParkedId, ParkedState, list_parked};
pub use presence::{Chosen, PresenceStore};
pub use projection::{Opened, Projection};
pub use queries::Queries;
pub use rebuilds::Rebuilds;
pub use release::{discard, requeue};
pub use schema::{Key, Table, migrator};
pub use worker::{Parking, Progress, Standing, Worker, WorkerSettings};
