//! Scenarios over the whole crate, on both engines.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

mod support;

mod apply;
mod audit;
mod builds;
mod erasures;
mod graph_feed;
mod interleaving;
mod poison;
mod presence;
mod queries;
mod rabbitmq;
mod rebuild;
mod retries;
mod singleton_job;
mod verify;
mod worker;
