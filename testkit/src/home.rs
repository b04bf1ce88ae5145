//! The home of one test.

use crate::{
    Mix,
    database::TestDatabase,
    engines::{TestKeys, namespace, rabbitmq_url, redis_url},
    template::{self, LOG, LOG_FILE, READ_MODELS, READ_MODELS_FILE},
};
use sql::{Durability, Engine, Location};
use std::{fs, path::Path};
use tempfile::TempDir;

/// A private place for one test.
pub struct Home {
    folder: TempDir,
    database: Option<TestDatabase>,
    namespace: String,
    rabbitmq: Option<String>,
    redis: Option<TestKeys>,
}

impl Home {
    /// A home on `engine`, with all other engines in process. It has the tables of this build, without rows.
    ///
    /// # Panics
    /// As [`Home::mix`] does.
    pub async fn new(engine: Engine) -> Self {
        Self::mix(Mix::of(engine)).await
    }

    /// A home on the engines of `mix`. It has the tables of this build, without rows.
    ///
    /// # Panics
    /// If the variable of an engine of the mix is not set, or the engine cannot be reached.
    pub async fn mix(mix: Mix) -> Self {
        let folder = tempfile::Builder::new().prefix("chatchit-test-").tempdir().expect("a temporary folder");
        let database = match mix.engine {
            Engine::Sqlite => {
                template::copy_files(folder.path()).await;
                None
            }
            Engine::Postgres => Some(TestDatabase::cloned().await),
        };
        let namespace = namespace();
        let rabbitmq = mix.rabbitmq.then(rabbitmq_url);
        let redis = mix.redis.then(|| TestKeys { url: redis_url(), prefix: namespace.clone() });
        Self { folder, database, namespace, rabbitmq, redis }
    }

    /// The same home without any table, for tests of migrations and of missing tables.
    ///
    /// # Panics
    /// If Postgres cannot be reached, or a file cannot be removed.
    #[must_use]
    pub async fn emptied(mut self) -> Self {
        match &mut self.database {
            Some(database) => *database = TestDatabase::empty().await,
            None => {
                for file in [LOG_FILE, READ_MODELS_FILE] {
                    fs::remove_file(self.folder().join(file)).expect("a file of the template");
                }
            }
        }
        self
    }

    /// The location of the log.
    #[must_use]
    pub fn log(&self) -> Location {
        self.place(LOG_FILE, LOG, Durability::Full)
    }

    /// The location of the read models.
    #[must_use]
    pub fn read_models(&self) -> Location {
        self.place(READ_MODELS_FILE, READ_MODELS, Durability::Normal)
    }

    /// The private folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The URL of the private Postgres database; `None` on SQLite.
    #[must_use]
    pub fn database_url(&self) -> Option<String> {
        self.database.as_ref().map(TestDatabase::url)
    }

    /// The prefix of all names on RabbitMQ and of all keys in Redis; unique to this home.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The URL of RabbitMQ; `None` if events travel in process.
    ///
    /// Queues are not removed with the home: declare them with an expiry.
    #[must_use]
    pub fn rabbitmq_url(&self) -> Option<String> {
        self.rabbitmq.clone()
    }

    /// The URL of Redis; `None` if the graph is in memory.
    #[must_use]
    pub fn redis_url(&self) -> Option<String> {
        self.redis.as_ref().map(|keys| keys.url.clone())
    }

    fn place(&self, file: &str, schema: &str, durability: Durability) -> Location {
        match self.database_url() {
            Some(url) => Location::Postgres { url, schema: schema.to_owned() },
            None => Location::Sqlite { path: self.folder().join(file), durability },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::each_engine;
    use sql::{Database, Engine, query};

    /// The tables at a location that have rows; migrations are not counted.
    async fn filled(location: &sql::Location) -> Vec<String> {
        let database = Database::connect(location, 1).await.unwrap();
        let tables = match database.engine() {
            Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'",
            Engine::Postgres => {
                "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE schemaname = current_schema()"
            }
        };
        let mut filled = Vec::new();
        for row in database.fetch_all(query(tables)).await.unwrap() {
            let name: String = row.get("name").unwrap();
            if database.fetch_optional(query(format!("SELECT 1 FROM \"{name}\""))).await.unwrap().is_some() {
                filled.push(name);
            }
        }
        filled
    }

    each_engine!(a_home_has_the_tables_of_this_build_until_it_is_emptied, |home| async move {
        for place in [home.log(), home.read_models()] {
            assert!(filled(&place).await.contains(&"_sqlx_migrations".to_owned()), "{place:?}");
        }
        assert!(!filled(&home.log()).await.contains(&"events".to_owned()));
        let home = home.emptied().await;
        for place in [home.log(), home.read_models()] {
            assert!(!Database::exists(&place).await.unwrap(), "{place:?}");
        }
    });
}
