//! What every arm of the graph must do, and what Redis must do besides.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cached;
mod epochs;
mod grants;
mod leases;
mod redis;
mod relations;
mod support;
