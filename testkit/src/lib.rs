//! A home for each test: a folder, a Postgres database, and a namespace for RabbitMQ and Redis; removed when the test ends.
//!
//! The engines are those of `CHATCHIT_TEST_*`, which `cargo xtask test` sets to private servers.

#![expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod database;
mod engines;
mod home;
mod mix;
mod newer;
mod template;
mod wait;

pub use cable::Cable;
pub use database::DATABASE_URL;
pub use engines::{RABBITMQ_URL, REDIS_URL, namespace, rabbitmq_url, redis_url};
pub use home::Home;
pub use mix::Mix;
pub use newer::Newer;
pub use sql::Engine;
pub use wait::{DEADLINE, soon, until, until_some};

/// 128 random bits, from the keys of the standard hasher.
fn rand() -> u128 {
    use std::hash::{BuildHasher, RandomState};
    let half = || u128::from(RandomState::new().hash_one(std::process::id()));
    half() << 64 | half()
}
