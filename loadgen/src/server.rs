//! The server under load: one that runs, or one started for the purpose in an empty place.

use anyhow::{Context, Result, bail};
use clap::Args;
use sql::{Database, Durability, Location, query};
use std::{
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const READY: Duration = Duration::from_secs(60);
/// The signing secret of a server started for a run.
pub(crate) const SECRET: &str = "a secret for this run alone, of 32 bytes or more";
/// Its master key.
pub(crate) const MASTER_KEY: [u8; 32] = [0x42; 32];

/// Which server.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// Start this `chatchit` in an empty place for the run.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "address", required_unless_present = "address")]
    spawn: Option<PathBuf>,
    /// A database server for `--spawn`; a database is made on it for the run. Without: SQLite.
    #[arg(long, value_name = "URL", requires = "spawn", conflicts_with = "address")]
    database_url: Option<String>,
    /// Load a server that runs here already.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<SocketAddr>,
}

/// A server that answers.
pub(crate) struct Server {
    address: SocketAddr,
    folder: TempDir,
    program: Option<PathBuf>,
    process: Option<Child>,
    database: Option<TemporaryDatabase>,
}

/// A database that lasts as long as a run.
pub(crate) struct TemporaryDatabase {
    server: Database,
    name: String,
    url: String,
}

impl Server {
    /// The server that runs, or an empty place and an address for one that is yet to start.
    pub(crate) async fn reserve(target: &Target) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-load-").tempdir()?;
        let Some(program) = &target.spawn else {
            let address = target.address.context("neither --spawn nor --address")?;
            return Ok(Self { address, folder, program: None, process: None, database: None });
        };
        let program = program.canonicalize().with_context(|| format!("there is no {}", program.display()))?;
        std::fs::create_dir(folder.path().join("data"))?;
        let database = match &target.database_url {
            Some(url) => Some(TemporaryDatabase::create(url).await?),
            None => None,
        };
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        Ok(Self { address, folder, program: Some(program), process: None, database })
    }

    /// The log of a server that is yet to start.
    pub(crate) fn log(&self) -> Option<Location> {
        self.program.as_ref()?;
        Some(match &self.database {
            Some(database) => Location::Postgres { url: database.url().to_owned(), schema: "chatchit_log".to_owned() },
            None => Location::Sqlite { path: self.folder().join("data/log.db"), durability: Durability::Full },
        })
    }

    /// Starts it, unless it runs already, and waits until it is ready.
    pub(crate) async fn start(&mut self) -> Result<()> {
        let Some(program) = &self.program else { return Ok(()) };
        let mut command = Command::new(program);
        command.env("JWT_ACCESS_TOKEN", SECRET).env("CHATCHIT_MASTER_KEY", hex(&MASTER_KEY));
        command.env("HOST", self.address.ip().to_string()).env("PORT", self.address.port().to_string());
        command.env("CHATCHIT_DATA", self.folder().join("data")).env("RUST_LOG", "warn").env_remove("DATABASE_URL");
        if let Some(database) = &self.database {
            command.env("DATABASE_URL", database.url());
        }
        // Our standard output is the report.
        command.current_dir(self.folder()).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        self.process = Some(command.spawn().with_context(|| format!("cannot start {}", program.display()))?);
        self.wait_until_ready().await
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A folder that lasts as long as the run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its process, when it was started for the run.
    pub(crate) fn id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Child::id)
    }

    /// Ends what was started.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await?;
        }
        match self.database.take() {
            Some(database) => database.destroy().await,
            None => Ok(()),
        }
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let client = reqwest::Client::new();
        let url = format!("http://{}/readyz", self.address);
        let deadline = Instant::now() + READY;
        while Instant::now() < deadline {
            if let Some(status) = self.process.as_mut().map(Child::try_wait).transpose()?.flatten() {
                bail!("the server ended before it was ready: {status}");
            }
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the server was not ready within {READY:?}")
    }
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A number that no other run has: from the hasher's random keys.
pub(crate) fn unique() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// A server's URL with another database's name.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority..].find('/').map_or(base.len(), |slash| authority + slash);
    format!("{}/{name}{query}", &base[..end])
}
