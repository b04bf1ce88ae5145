//! RabbitMQ and Redis for tests: shared servers, on which each test uses a prefix of its own.

use crate::rand;
use redis::{Commands, RedisResult};
use std::time::Duration;
use uuid::Uuid;

/// The variable with the URL of the test RabbitMQ.
pub const RABBITMQ_URL: &str = "CHATCHIT_TEST_RABBITMQ_URL";
/// The variable with the URL of the test Redis.
pub const REDIS_URL: &str = "CHATCHIT_TEST_REDIS_URL";

/// The time limit of an answer of Redis.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The URL of the test RabbitMQ.
///
/// # Panics
/// Without `CHATCHIT_TEST_RABBITMQ_URL`.
#[must_use]
pub fn rabbitmq_url() -> String {
    from_environment(RABBITMQ_URL)
}

/// The URL of the test Redis.
///
/// # Panics
/// Without `CHATCHIT_TEST_REDIS_URL`.
#[must_use]
pub fn redis_url() -> String {
    from_environment(REDIS_URL)
}

/// A unique prefix for queues and keys.
#[must_use]
pub fn namespace() -> String {
    format!("test-{}", Uuid::from_u128(rand()).simple())
}

pub(crate) fn from_environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask test`, which provides engines"))
}

/// The keys of a home in Redis: those with its prefix. They are removed when this is dropped.
pub(crate) struct TestKeys {
    pub(crate) url: String,
    pub(crate) prefix: String,
}

impl TestKeys {
    fn remove(&self) -> RedisResult<()> {
        let mut connection = redis::Client::open(self.url.as_str())?.get_connection_with_timeout(TIMEOUT)?;
        connection.set_read_timeout(Some(TIMEOUT))?;
        let pattern = format!("{}*", self.prefix);
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000);
            let (next, keys): (u64, Vec<Vec<u8>>) = scan.query(&mut connection)?;
            if !keys.is_empty() {
                let _: u64 = connection.unlink(keys)?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }
}

impl Drop for TestKeys {
    fn drop(&mut self) {
        // A key that is left behind does no harm: its prefix is not used again.
        let _ = self.remove();
    }
}

#[cfg(test)]
mod tests {
    use crate::{Engine, Home, Mix};
    use redis::Commands;

    #[tokio::test]
    async fn a_homes_keys_are_removed_with_it() {
        let home = Home::mix(Mix::EMBEDDED.with_redis()).await;
        let url = home.redis_url().unwrap();
        let mut redis = redis::Client::open(url).unwrap().get_connection().unwrap();
        let (own, other) = (format!("{}:a", home.namespace()), format!("{}:a", crate::namespace()));
        for key in [&own, &other] {
            let () = redis.set_ex(key, 1, 60).unwrap();
        }
        drop(home);
        assert!(!redis.exists::<_, bool>(own).unwrap());
        assert!(redis.exists::<_, bool>(other).unwrap());
    }

    #[tokio::test]
    async fn a_home_has_the_engines_of_its_mix() {
        for mix in [Mix::EMBEDDED, Mix::POSTGRES, Mix::EMBEDDED.with_rabbitmq(), Mix::EMBEDDED.with_redis()] {
            let home = Home::mix(mix).await;
            assert_eq!(home.database_url().is_some(), mix.engine == Engine::Postgres);
            assert_eq!(home.rabbitmq_url().is_some(), mix.rabbitmq);
            assert_eq!(home.redis_url().is_some(), mix.redis);
        }
    }

    crate::every_mix!(two_homes_share_nothing, |home| async move {
        let other = Home::mix(Mix::EMBEDDED).await;
        assert_ne!(home.namespace(), other.namespace());
        assert_ne!(home.log(), other.log());
    });
}
