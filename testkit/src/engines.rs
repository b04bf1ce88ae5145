//! RabbitMQ and Redis for tests: shared servers, on which each test keeps to names of its own.

use crate::rand;
use uuid::Uuid;

/// Where the URL of the test RabbitMQ stands.
pub const RABBITMQ_URL: &str = "CHATCHIT_TEST_RABBITMQ_URL";
/// Where the URL of the test Redis stands.
pub const REDIS_URL: &str = "CHATCHIT_TEST_REDIS_URL";

/// The test RabbitMQ.
///
/// # Panics
/// Without `CHATCHIT_TEST_RABBITMQ_URL`.
#[must_use]
pub fn rabbitmq_url() -> String {
    from_environment(RABBITMQ_URL)
}

/// The test Redis.
///
/// # Panics
/// Without `CHATCHIT_TEST_REDIS_URL`.
#[must_use]
pub fn redis_url() -> String {
    from_environment(REDIS_URL)
}

/// A prefix for queues and keys that no other test has.
#[must_use]
pub fn namespace() -> String {
    format!("test-{}", Uuid::from_u128(rand()).simple())
}

pub(crate) fn from_environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask test`, which provides engines"))
}
