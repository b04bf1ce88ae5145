//! The graph of presence and relations: friends, blocks, members, conversations of a user, session leases.
//!
//! A projection: it may be lost and filled again at any time, and no permission rests on it alone (I9). Two
//! engines behind one type, [`Graph`]: this process's memory (the embedded default) and Redis.

mod cached;
mod end;
mod epoch;
mod graph;
mod leases;
mod memory;
mod redis;
mod relation;
mod relations;
mod status;

pub use self::redis::{Redis, RedisSettings};
pub use cached::{CacheSettings, CacheStats, Cached, Others, Ties};
pub use epoch::{Epoch, Marks};
pub use graph::{Grant, Graph, GraphError};
pub use memory::Memory;
pub use relation::{Change, Relation, changes};
pub use status::{Health, Stats};

/// The place of an event in the log's one order, from 1.
pub type Position = u64;
