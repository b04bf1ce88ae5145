//! The contract of every engine of the graph, and of Redis.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cached;
mod epochs;
mod grants;
mod leases;
mod redis;
mod relations;
mod support;
