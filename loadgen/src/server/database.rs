//! A database that lasts as long as a run.

use super::unique;
use anyhow::Result;
use sql::{Database, Location, query};

/// A database that lasts as long as a run.
pub(crate) struct TemporaryDatabase {
    server: Database,
    name: String,
    url: String,
}

impl TemporaryDatabase {
    /// Makes one on a server.
    pub(crate) async fn create(url: &str) -> Result<Self> {
        let location = Location::Postgres { url: url.to_owned(), schema: "public".to_owned() };
        let server = Database::connect(&location, 1).await?;
        let name = format!("chatchit_load_{:016x}", unique());
        server.execute(query(format!("CREATE DATABASE {name}"))).await?;
        Ok(Self { server, url: with_database(url, &name), name })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Removes it, whoever is connected.
    pub(crate) async fn destroy(self) -> Result<()> {
        let Self { server, name, .. } = self;
        server.execute(query(format!("DROP DATABASE {name} WITH (FORCE)"))).await?;
        server.close().await;
        Ok(())
    }
}

/// A server's URL with another database's name.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority..].find('/').map_or(base.len(), |slash| authority + slash);
    format!("{}/{name}{query}", &base[..end])
}
