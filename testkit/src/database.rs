//! The Postgres database of one test.

use crate::{engines::from_environment, rand, template};
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

/// The variable with the URL of the test server.
pub const DATABASE_URL: &str = "CHATCHIT_TEST_DATABASE_URL";

/// A database that is dropped with this value.
pub(crate) struct TestDatabase {
    server: String,
    name: String,
}

impl TestDatabase {
    /// A database without tables.
    pub(crate) async fn empty() -> Self {
        let server = from_environment(DATABASE_URL);
        let name = unique_name();
        let mut connection = PgConnection::connect(&server).await.expect("the test Postgres");
        connection.execute(format!("CREATE DATABASE {name}").as_str()).await.expect("a test database");
        Self { server, name }
    }

    /// A database with the tables of this build.
    pub(crate) async fn cloned() -> Self {
        let server = from_environment(DATABASE_URL);
        let name = unique_name();
        template::clone_database(&server, &name).await.expect("a clone of the template database");
        Self { server, name }
    }

    pub(crate) fn url(&self) -> String {
        with_database(&self.server, &self.name)
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

fn unique_name() -> String {
    format!("chatchit_test_{}", Uuid::from_u128(rand()).simple())
}

/// The server's URL with another database's name.
pub(crate) fn with_database(server: &str, name: &str) -> String {
    let (base, query) = server.split_once('?').map_or((server, None), |(base, query)| (base, Some(query)));
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority..].find('/').map_or(base.len(), |slash| authority + slash);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &base[..end])
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
