//! The graph of relations and session leases: friends, blocks, members, conversations of a user.
//!
//! A projection: it may be lost and filled again at any time, and no permission depends on it (I9). Two engines behind one
//! type, [`Graph`]: this process's memory (the embedded default) and Redis.

mod cached;
mod end;
mod epoch;
mod error;
mod grant;
mod graph;
mod leases;
mod marks;
mod memory;
mod redis;
mod relation;
mod relations;
mod status;

pub use self::redis::{Probed, Redis, RedisSettings, probe};
pub use cached::{CacheSettings, CacheStats, Cached, Others, Ties};
pub use epoch::Epoch;
pub use error::GraphError;
pub use grant::Grant;
pub use graph::Graph;
pub use marks::Marks;
pub use memory::Memory;
pub use relation::{Change, Relation, changes};
pub use status::{Health, RedisInfo, Stats};

/// An event's number in the log: dense, from 1.
pub type Position = u64;
