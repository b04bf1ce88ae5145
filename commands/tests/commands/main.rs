//! The write side against real engines: each use case, its refusals, its repetition, and its races.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod audit;
mod calls;
mod conversations;
mod friends;
mod marks;
mod messages;
mod nodes;
mod reactors;
mod repetition;
mod sessions;
mod support;
