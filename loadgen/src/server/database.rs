//! A database that is dropped at the end of a run.

use super::unique;
use anyhow::Result;
use sql::{Database, Location, query};
use std::net::SocketAddr;

const STATEMENTS: &str = "SELECT COALESCE(CAST(SUM(calls) AS BIGINT), 0) AS calls FROM pg_stat_statements \
                          JOIN pg_database ON pg_database.oid = dbid \
                          WHERE datname = current_database() AND query !~* '^ *(BEGIN|START|COMMIT|ROLLBACK|SET)'";

pub(crate) struct TemporaryDatabase {
    server: Database,
    name: String,
    url: String,
}

impl TemporaryDatabase {
    pub(crate) async fn create(url: &str) -> Result<Self> {
        let location = Location::Postgres { url: url.to_owned(), schema: "public".to_owned() };
        let server = Database::connect(&location, 1).await?;
        let name = format!("chatchit_load_{:016x}", unique());
        server.execute(query(format!("CREATE DATABASE {name}"))).await?;
        Ok(Self { server, url: with_database(url, &name), name })
    }

    /// The number of statements so far, without those that begin and end transactions. `None` if this Postgres does not
    /// count them.
    pub(crate) async fn statements(&self) -> Result<Option<u64>> {
        let location = Location::Postgres { url: self.url.clone(), schema: "public".to_owned() };
        let own = Database::connect(&location, 1).await?;
        let counted = count(&own).await.ok();
        own.close().await;
        Ok(counted)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its URL through a proxy.
    pub(crate) fn url_via(&self, proxy: Option<SocketAddr>) -> String {
        proxy.map_or_else(|| self.url.clone(), |proxy| with_server(&self.url, proxy))
    }

    pub(crate) async fn destroy(self) -> Result<()> {
        let Self { server, name, .. } = self;
        server.execute(query(format!("DROP DATABASE {name} WITH (FORCE)"))).await?;
        server.close().await;
        Ok(())
    }
}

/// Fails unless the extension was loaded when the server started.
async fn count(database: &Database) -> Result<u64> {
    database.execute(query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")).await?;
    let rows = database.fetch_all(query(STATEMENTS)).await?;
    Ok(rows.first().map(|row| row.unsigned("calls")).transpose()?.unwrap_or_default())
}

fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority..].find('/').map_or(base.len(), |slash| authority + slash);
    format!("{}/{name}{query}", &base[..end])
}

/// The URL with another host and port.
fn with_server(url: &str, server: SocketAddr) -> String {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..].find(['/', '?']).map_or(url.len(), |at| authority + at);
    let host = url[authority..end].rfind('@').map_or(authority, |at| authority + at + 1);
    format!("{}{server}{}", &url[..host], &url[end..])
}

#[cfg(test)]
mod tests {
    use super::with_server;

    #[test]
    fn a_proxy_takes_the_place_of_the_server() {
        let proxy = "127.0.0.1:7".parse().unwrap();
        for (url, want) in [
            ("postgres://u:p@h:5/d?x=y", "postgres://u:p@127.0.0.1:7/d?x=y"),
            ("postgres://h/d", "postgres://127.0.0.1:7/d"),
            ("postgres://u@h:5", "postgres://u@127.0.0.1:7"),
        ] {
            assert_eq!(with_server(url, proxy), want);
        }
    }
}
