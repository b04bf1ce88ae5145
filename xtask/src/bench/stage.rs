//! The private engines of a round, and databases on them.

use super::processes::{Part, Root};
use crate::{
    engines::{self, Engine, POSTGRES, Private, RABBITMQ, REDIS},
    shell::Shell,
};
use anyhow::{Context, Result, bail};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tokio::process::Command;

/// The engines of production, without any data.
pub(super) struct Stage {
    postgres: Private,
    rabbitmq: Private,
    redis: Private,
    psql: PathBuf,
}

/// An empty database.
pub(super) struct Database {
    pub(super) url: String,
    psql: PathBuf,
}

impl Stage {
    /// Starts the engines, on disk or in memory.
    pub(super) async fn set(shell: &mut Shell, in_memory: bool) -> Result<Self> {
        let [postgres, rabbitmq, redis] = engines::programs(shell).await?;
        let psql = postgres.join("psql");
        let starting = async {
            tokio::try_join!(
                start(&POSTGRES, postgres, in_memory),
                start(&RABBITMQ, rabbitmq, in_memory),
                start(&REDIS, redis, in_memory),
            )
        };
        let Some(started) = shell.unless_interrupted(starting).await else { bail!("interrupted") };
        let (postgres, rabbitmq, redis) = started?;
        Ok(Self { postgres, rabbitmq, redis, psql })
    }

    /// The processes of all engines.
    pub(super) fn parts(&self) -> Vec<Part> {
        let engines = [("postgres", &self.postgres), ("rabbitmq", &self.rabbitmq), ("redis", &self.redis)];
        engines.into_iter().filter_map(|(name, engine)| Some((name, Root::Tree(engine.id()?)))).collect()
    }

    /// The processes of Postgres.
    pub(super) fn database_part(&self) -> Option<Part> {
        Some(("postgres", Root::Tree(self.postgres.id()?)))
    }

    /// The options by which chatchit-loadgen finds the engines.
    pub(super) fn options(&self) -> [String; 3] {
        let Self { postgres, rabbitmq, redis, .. } = self;
        [
            format!("--database-url={}", postgres.url()),
            format!("--rabbitmq-url={}", rabbitmq.url()),
            format!("--redis-url={}", redis.url()),
        ]
    }

    pub(super) fn database_url(&self) -> &str {
        self.postgres.url()
    }

    pub(super) fn rabbitmq_url(&self) -> &str {
        self.rabbitmq.url()
    }

    pub(super) fn database_address(&self) -> SocketAddr {
        self.postgres.address()
    }

    /// A folder that Postgres may write to.
    pub(super) fn database_folder(&self) -> &Path {
        self.postgres.folder()
    }

    /// Makes an empty database, instead of an earlier one of that name.
    pub(super) async fn database(&self, shell: &mut Shell, name: &str) -> Result<Database> {
        let (server, _) = self.postgres.url().rsplit_once('/').context("a URL without a database")?;
        let main = Database { url: self.postgres.url().to_owned(), psql: self.psql.clone() };
        main.sql(shell, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        main.sql(shell, &format!("CREATE DATABASE {name}")).await?;
        Ok(Database { url: format!("{server}/{name}"), psql: self.psql.clone() })
    }
}

async fn start(engine: &'static Engine, program: PathBuf, in_memory: bool) -> Result<Private> {
    match in_memory {
        true => Private::start_in_memory(engine, program).await,
        false => Private::start(engine, program).await,
    }
}

impl Database {
    /// Runs statements, all in one transaction if there are several, and returns the values of their rows.
    pub(super) async fn sql(&self, shell: &mut Shell, statements: &str) -> Result<String> {
        Ok(shell.output(self.psql().args(["--command", statements])).await?.trim().to_owned())
    }

    /// Runs the statements of a file.
    pub(super) async fn file(&self, shell: &mut Shell, path: &Path) -> Result<()> {
        shell.output(self.psql().arg("--file").arg(path)).await.map(drop)
    }

    fn psql(&self) -> Command {
        let mut psql = Command::new(&self.psql);
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--dbname"]);
        psql.arg(&self.url).env("PGOPTIONS", "--client-min-messages=warning");
        psql
    }
}
