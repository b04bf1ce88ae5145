//! The graph of presence and relations: friends, blocks, members, conversations of a user, session leases.
//!
//! A projection: it may be cleared and filled again at any time, and no permission rests on it alone (I9).

mod graph;
mod leases;
mod memory;
mod relation;
mod relations;

pub use graph::{Graph, GraphError};
pub use memory::Memory;
pub use relation::{Change, Relation, changes};

/// The place of an event in the log's one order, from 1.
pub type Position = u64;
