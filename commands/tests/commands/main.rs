//! The write side against real engines: each use case, its refusals, its repetition, and its races.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod audit;
mod calls;
mod conversations;
mod files;
mod friends;
mod invites;
mod messages;
mod nodes;
mod own_accounts;
mod own_settings;
mod reach;
mod reachable;
mod read_marker;
mod repetition;
mod reports;
mod sessions;
mod spam;
mod stories;
