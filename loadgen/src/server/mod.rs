//! The server under load: a running one, or one started for the run as one process or as gateways and workers.

mod database;
mod process;
mod signals;

pub(crate) use database::TemporaryDatabase;
pub(crate) use process::{Process, Role};
pub(crate) use signals::Signals;

use crate::machine::{self, Kind, Usage};
use anyhow::{Context, Result, ensure};
use clap::Args;
use domain::hex;
use futures_util::future::try_join_all;
use sql::{Durability, Location};
use std::{
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};
use tempfile::TempDir;

pub(crate) const SECRET: &str = "a secret for this run alone, of 32 bytes or more";
pub(crate) const MASTER_KEY: [u8; 32] = [0x42; 32];
/// Below the ports of outgoing connections: no other program takes the port of a killed process.
const PORTS: std::ops::Range<u16> = 10_240..30_000;

/// The server to load.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// Start this `chatchit` in an empty folder for the run.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "address", required_unless_present = "address")]
    spawn: Option<PathBuf>,
    /// A Postgres server for `--spawn`, on which a database is created for the run. Without: SQLite.
    #[arg(long, value_name = "URL", requires = "spawn", conflicts_with = "address")]
    database_url: Option<String>,
    /// RabbitMQ for `--spawn`, under a namespace of the run. Without: events travel in process.
    #[arg(long, value_name = "URL", requires = "spawn", conflicts_with = "address")]
    rabbitmq_url: Option<String>,
    /// Redis for `--spawn`, under a namespace of the run. Without: memory.
    #[arg(long, value_name = "URL", requires = "spawn", conflicts_with = "address")]
    redis_url: Option<String>,
    /// Start so many gateways and --workers; 0: one process for both.
    #[arg(long, default_value_t = 0, requires = "database_url")]
    gateways: usize,
    /// Start so many workers.
    #[arg(long, default_value_t = 1, requires = "gateways")]
    workers: usize,
    /// The address of a proxy through which the processes reach the database server.
    #[arg(long, value_name = "HOST:PORT", requires = "database_url")]
    database_via: Option<SocketAddr>,
    /// Set the clock of a process ahead (or back): `gateway-1=60000`, `worker-2=-300000`.
    #[arg(long = "clock", value_name = "PROCESS=MILLISECONDS", requires = "spawn")]
    clocks: Vec<Clock>,
    /// Load a running server.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<SocketAddr>,
}

/// The offset of one process' clock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Clock {
    process: String,
    ahead: i64,
}

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('=').and_then(|(process, ahead)| {
            Some(Self { process: process.to_owned(), ahead: ahead.trim_start_matches('+').parse().ok()? })
        });
        parsed.ok_or_else(|| format!("{text:?} is not PROCESS=MILLISECONDS, such as gateway-1=60000"))
    }
}

/// The budgets of a server that is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budgets {
    Lifted,
    Default,
}

pub(crate) struct Server {
    /// Of all gateways.
    addresses: Arc<[SocketAddr]>,
    folder: TempDir,
    /// Empty if the server is not ours.
    processes: Vec<Process>,
    database: Option<TemporaryDatabase>,
    /// Engines whose cost counts: the program's name, and its kind.
    engines: Vec<(&'static str, Kind)>,
}

impl Target {
    fn roles(&self) -> Vec<(String, Role)> {
        if self.gateways == 0 {
            return vec![("server".to_owned(), Role::All)];
        }
        let several = |role: Role, count| (1..=count).map(move |n| (format!("{}-{n}", role.name()), role));
        several(Role::Gateway, self.gateways).chain(several(Role::Worker, self.workers)).collect()
    }

    /// The settings of every process.
    fn settings(&self, budgets: Budgets, database: Option<&TemporaryDatabase>) -> Vec<(&'static str, String)> {
        let mut settings =
            vec![("JWT_ACCESS_TOKEN", SECRET.to_owned()), ("CHATCHIT_MASTER_KEY", hex::encode(&MASTER_KEY))];
        if budgets == Budgets::Lifted {
            settings.push(("RATE_LIMITS", "off".to_owned()));
        }
        settings.extend(database.map(|database| ("DATABASE_URL", database.url_via(self.database_via))));
        settings.extend(self.rabbitmq_url.clone().map(|url| ("RABBITMQ_URL", url)));
        settings.extend(self.redis_url.clone().map(|url| ("REDIS_URL", url)));
        settings.push(("CHATCHIT_NAMESPACE", format!("load-{:016x}", unique())));
        settings
    }

    fn engines(&self) -> Vec<(&'static str, Kind)> {
        let mut engines = vec![("postgres", Kind::Postgres)];
        engines.extend(self.rabbitmq_url.as_ref().map(|_| ("beam.smp", Kind::RabbitMq)));
        engines.extend(self.redis_url.as_ref().map(|_| ("redis-server", Kind::Redis)));
        engines
    }

    pub(crate) fn describe(&self) -> String {
        if self.spawn.is_none() {
            return "a server that runs already".to_owned();
        }
        let mut engines = vec![if self.database_url.is_some() { "Postgres" } else { "SQLite" }];
        engines.extend(self.rabbitmq_url.as_ref().map(|_| "RabbitMQ"));
        engines.extend(self.redis_url.as_ref().map(|_| "Redis"));
        let processes = match self.gateways {
            0 => "one process".to_owned(),
            gateways => format!("{gateways} gateways and {} workers", self.workers),
        };
        format!("{processes} on {}", engines.join(", "))
    }
}

impl Server {
    /// A running server, or an empty folder and addresses for one that is started later.
    pub(crate) async fn reserve(target: &Target, budgets: Budgets) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-load-").tempdir()?;
        let engines = target.engines();
        let Some(program) = &target.spawn else {
            let address = target.address.context("neither --spawn nor --address")?;
            return Ok(Self { addresses: [address].into(), folder, processes: Vec::new(), database: None, engines });
        };
        let program = program.canonicalize().with_context(|| format!("there is no {}", program.display()))?;
        let database = match &target.database_url {
            Some(url) => Some(TemporaryDatabase::create(url).await?),
            None => None,
        };
        let settings = target.settings(budgets, database.as_ref());
        let roles = target.roles();
        for Clock { process, .. } in &target.clocks {
            ensure!(roles.iter().any(|(name, _)| name == process), "there is no process {process} to set the clock of");
        }
        let mut processes = Vec::new();
        let mut reserved = Vec::new();
        for (name, role) in roles {
            let place = folder.path().join(&name);
            std::fs::create_dir_all(place.join("data"))?;
            let listener = reserve_port()?;
            let address = listener.local_addr()?;
            reserved.push(listener);
            let mut settings = settings.clone();
            let clock = target.clocks.iter().find(|clock| clock.process == name);
            settings.extend(clock.map(|clock| ("CHATCHIT_TEST_CLOCK_OFFSET_MS", clock.ahead.to_string())));
            // Names the sessions of each process on the database server.
            for (_, url) in settings.iter_mut().filter(|(setting, _)| *setting == "DATABASE_URL") {
                *url = named(url, &name);
            }
            processes.push(Process::new(name, role, address, program.clone(), place, settings));
        }
        let doors = processes.iter().filter(|process| process.role != Role::Worker);
        let addresses = doors.map(|process| process.address).collect();
        Ok(Self { addresses, folder, processes, database, engines })
    }

    /// The log of a server started for the run.
    pub(crate) fn log(&self) -> Option<Location> {
        let only = self.processes.first()?;
        Some(match &self.database {
            Some(database) => Location::Postgres { url: database.url().to_owned(), schema: "chatchit_log".to_owned() },
            None => Location::Sqlite {
                path: self.folder().join(&only.name).join("data/log.db"),
                durability: Durability::Full,
            },
        })
    }

    /// The read models of a server started on a database server.
    pub(crate) fn read_models(&self) -> Option<Location> {
        let url = self.database.as_ref()?.url().to_owned();
        Some(Location::Postgres { url, schema: "chatchit_read".to_owned() })
    }

    /// Starts all processes that do not run, and waits until they are ready.
    pub(crate) async fn start(&self) -> Result<()> {
        try_join_all(self.processes.iter().map(Process::start)).await?;
        Ok(())
    }

    pub(crate) fn process(&self, name: &str) -> Result<&Process> {
        self.processes.iter().find(|process| process.name == name).with_context(|| format!("there is no {name}"))
    }

    pub(crate) fn processes(&self) -> impl Iterator<Item = (&str, Role)> {
        self.processes.iter().map(|process| (process.name.as_str(), process.role))
    }

    /// The settings of the processes. The database is reached without a proxy.
    pub(crate) fn settings(&self) -> Result<Vec<(&'static str, String)>> {
        let mut settings = self.processes.first().context("this server runs elsewhere")?.settings().to_vec();
        settings.retain(|(name, _)| *name != "CHATCHIT_TEST_CLOCK_OFFSET_MS");
        for (_, url) in settings.iter_mut().filter(|(name, _)| *name == "DATABASE_URL") {
            *url = self.database.as_ref().context("a URL without a database")?.url().to_owned();
        }
        Ok(settings)
    }

    pub(crate) fn addresses(&self) -> Arc<[SocketAddr]> {
        Arc::clone(&self.addresses)
    }

    /// The number of running processes of a role.
    pub(crate) fn count(&self, role: Role) -> usize {
        self.of_role(role).count()
    }

    /// Kills the first process of a role, and returns its name.
    pub(crate) async fn kill(&self, role: Role) -> Result<&str> {
        let process = self.of_role(role).next().context("there is nothing to kill")?;
        process.kill().await?;
        Ok(&process.name)
    }

    /// The addresses of all gateways that run and are not stopped.
    pub(crate) fn living_doors(&self) -> Vec<SocketAddr> {
        match self.processes[..] {
            [] => self.addresses.to_vec(),
            _ => self.of_role(Role::Gateway).filter(|process| process.is_awake()).map(|one| one.address).collect(),
        }
    }

    /// Descriptions of processes that ended by themselves.
    pub(crate) fn ended(&self) -> Result<Vec<String>> {
        let ended = self.processes.iter().map(|process| Ok(process.ended()?.map(|status| (process, status))));
        let ended: Vec<_> = ended.collect::<Result<_>>()?;
        let describe = |(process, status): (&Process, _)| format!("{} ended by itself: {status}", process.name);
        Ok(ended.into_iter().flatten().map(describe).collect())
    }

    fn of_role(&self, role: Role) -> impl Iterator<Item = &Process> {
        let does = move |process: &&Process| process.role == role || process.role == Role::All;
        self.processes.iter().filter(|process| process.is_running()).filter(does)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The usage of its processes, its engines and this program, always in the same order.
    pub(crate) fn usage(&self) -> Result<Vec<Usage>> {
        let mut all: Vec<_> = self.processes.iter().map(Process::usage).collect();
        for (name, kind) in &self.engines {
            all.push(machine::of_all_named(name, *kind)?);
        }
        all.push(machine::of_this_program()?);
        Ok(all)
    }

    /// The memory of its largest process (KiB); `None` if the server is not ours.
    pub(crate) fn resident(&self) -> Option<u64> {
        self.processes.iter().filter_map(|process| process.usage().resident_kib).max()
    }

    /// The number of statements in the run's database; `None` without a Postgres that counts them.
    pub(crate) async fn statements(&self) -> Result<Option<u64>> {
        match &self.database {
            Some(database) => database.statements().await,
            None => Ok(None),
        }
    }

    /// Ends all processes, and removes the database.
    pub(crate) async fn stop(mut self) -> Result<()> {
        for process in &self.processes {
            process.kill().await?;
        }
        match self.database.take() {
            Some(database) => database.destroy().await,
            None => Ok(()),
        }
    }
}

fn reserve_port() -> Result<TcpListener> {
    let ports = usize::from(PORTS.end - PORTS.start);
    let tries = (0..ports).map(|n| PORTS.start + ((unique() as usize).wrapping_add(n) % ports) as u16);
    tries
        .map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)))
        .find_map(Result::ok)
        .context("there is no free port on this machine")
}

/// A database URL that names its sessions.
fn named(url: &str, name: &str) -> String {
    format!("{url}{}application_name={name}", if url.contains('?') { '&' } else { '?' })
}

/// 64 random bits.
pub(crate) fn unique() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::{Clock, named};

    #[test]
    fn a_clock_is_that_of_a_process_ahead_or_behind() {
        let clock = |process: &str, ahead| Ok(Clock { process: process.to_owned(), ahead });
        assert_eq!("gateway-1=60000".parse(), clock("gateway-1", 60_000));
        assert_eq!("worker-2=-300000".parse(), clock("worker-2", -300_000));
        assert_eq!("worker-2=+5".parse(), clock("worker-2", 5));
        assert!(["gateway-1", "gateway-1=", "gateway-1=1s"].iter().all(|text| text.parse::<Clock>().is_err()));
    }

    #[test]
    fn a_url_gets_a_name_for_its_sessions() {
        assert_eq!(named("postgres://h/d", "worker-1"), "postgres://h/d?application_name=worker-1");
        assert_eq!(named("postgres://h/d?x=y", "a"), "postgres://h/d?x=y&application_name=a");
    }
}
