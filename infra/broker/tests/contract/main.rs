//! What every arm of the broker must do, and what a follower makes of a broker that does less.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arms;
mod follower;
mod lanes;
mod log;
mod rabbitmq;
mod scene;
mod signals;
