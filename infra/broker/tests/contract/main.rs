//! The contract of every engine of the broker, and of catch-up subscriptions on a broker with faults.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arms;
mod follower;
mod lanes;
mod log;
mod rabbitmq;
mod scene;
mod signals;
