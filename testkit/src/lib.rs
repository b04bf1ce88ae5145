//! A home of its own for each test: a folder for SQLite, a database for Postgres, a prefix for names on RabbitMQ and
//! keys in Redis; gone when the test ends.
//!
//! Engines are taken from `CHATCHIT_TEST_*` alone, which `cargo xtask test` sets to private servers.

#![expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod engines;
mod mix;
mod newer;

pub use cable::Cable;
pub use engines::{RABBITMQ_URL, REDIS_URL, namespace, rabbitmq_url, redis_url};
pub use mix::Mix;
pub use newer::Newer;
pub use sql::Engine;

use engines::TestKeys;
use sql::{Durability, Location};
use sqlx::{Connection, Executor, PgConnection};
use std::path::Path;
use tempfile::TempDir;
use uuid::Uuid;

/// Where the URL of the test server stands.
pub const DATABASE_URL: &str = "CHATCHIT_TEST_DATABASE_URL";

/// A private place for one test.
pub struct Home {
    folder: TempDir,
    database: Option<TestDatabase>,
    namespace: String,
    rabbitmq: Option<String>,
    redis: Option<TestKeys>,
}

struct TestDatabase {
    server: String,
    name: String,
}

impl Home {
    /// A fresh, empty place on `engine`, the rest in process.
    ///
    /// # Panics
    /// As [`Home::mix`] does.
    pub async fn new(engine: Engine) -> Self {
        Self::mix(Mix::of(engine)).await
    }

    /// A fresh, empty place on the engines of `mix`.
    ///
    /// # Panics
    /// When it cannot be made: without `CHATCHIT_TEST_DATABASE_URL` there is no Postgres to make it on, and so on.
    pub async fn mix(mix: Mix) -> Self {
        let folder = tempfile::Builder::new().prefix("chatchit-test-").tempdir().expect("a temporary folder");
        let database = match mix.engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(TestDatabase::create().await),
        };
        let namespace = namespace();
        let rabbitmq = mix.rabbitmq.then(rabbitmq_url);
        let redis = mix.redis.then(|| TestKeys { url: redis_url(), prefix: namespace.clone() });
        Self { folder, database, namespace, rabbitmq, redis }
    }

    /// Where the log lives.
    #[must_use]
    pub fn log(&self) -> Location {
        self.place("log", "chatchit_log", Durability::Full)
    }

    /// Where the read models live.
    #[must_use]
    pub fn read_models(&self) -> Location {
        self.place("read", "chatchit_read", Durability::Normal)
    }

    /// The private folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The URL of the private Postgres database; `None` on SQLite.
    #[must_use]
    pub fn database_url(&self) -> Option<String> {
        self.database.as_ref().map(|database| with_database(&database.server, &database.name))
    }

    /// What names on RabbitMQ and keys in Redis have to begin with. No other home has it.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The URL of RabbitMQ; `None` when events travel in process.
    ///
    /// Queues are not removed with the home: let them expire by themselves.
    #[must_use]
    pub fn rabbitmq_url(&self) -> Option<String> {
        self.rabbitmq.clone()
    }

    /// The URL of Redis; `None` when the graph lives in memory.
    #[must_use]
    pub fn redis_url(&self) -> Option<String> {
        self.redis.as_ref().map(|keys| keys.url.clone())
    }

    fn place(&self, file: &str, schema: &str, durability: Durability) -> Location {
        match self.database_url() {
            Some(url) => Location::Postgres { url, schema: schema.to_owned() },
            None => Location::Sqlite { path: self.folder().join(format!("{file}.db")), durability },
        }
    }
}

impl TestDatabase {
    async fn create() -> Self {
        let server = engines::from_environment(DATABASE_URL);
        let id = Uuid::from_u128(rand());
        let name = format!("chatchit_test_{}", id.simple());
        let mut connection = PgConnection::connect(&server).await.expect("the test Postgres");
        connection.execute(format!("CREATE DATABASE {name}").as_str()).await.expect("a test database");
        Self { server, name }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A thread of its own: the test's runtime may be ending.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&server).await.map_err(std::io::Error::other)?;
                let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                connection.execute(drop.as_str()).await.map_err(std::io::Error::other)
            })
        });
        let _ = dropped.join();
    }
}

/// The server's URL with another database's name.
fn with_database(server: &str, name: &str) -> String {
    let (base, query) = server.split_once('?').map_or((server, None), |(base, query)| (base, Some(query)));
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority..].find('/').map_or(base.len(), |slash| authority + slash);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &base[..end])
}

/// 128 bits that no other test has: from the hasher's random keys.
fn rand() -> u128 {
    use std::hash::{BuildHasher, RandomState};
    let half = || u128::from(RandomState::new().hash_one(std::process::id()));
    half() << 64 | half()
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn a_url_gets_another_database() {
        for (server, want) in [
            ("postgres://u@h:5/postgres", "postgres://u@h:5/t"),
            ("postgres://u@h:5", "postgres://u@h:5/t"),
            ("postgres://u@h/x?sslmode=disable", "postgres://u@h/t?sslmode=disable"),
        ] {
            assert_eq!(with_database(server, "t"), want);
        }
    }
}
