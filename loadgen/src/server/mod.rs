//! The server under load: one that runs, or one started for the purpose in an empty place, as one process or as
//! gateways and workers.

mod database;
mod process;
mod signals;

pub(crate) use database::TemporaryDatabase;
pub(crate) use process::Role;
pub(crate) use signals::Signals;

use crate::machine::{self, Kind, Usage};
use anyhow::{Context, Result, ensure};
use clap::Args;
use futures_util::future::try_join_all;
use process::Process;
use sql::{Durability, Location};
use std::{
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitStatus,
    str::FromStr,
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// The signing secret of a server started for a run.
pub(crate) const SECRET: &str = "a secret for this run alone, of 32 bytes or more";
/// Its master key.
pub(crate) const MASTER_KEY: [u8; 32] = [0x42; 32];
/// Below the ports that Linux gives to outgoing connections: nobody takes that of a killed process meanwhile.
const PORTS: std::ops::Range<u16> = 10_240..30_000;

/// Which server.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// Start this `chatchit` in an empty place for the run.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "address", required_unless_present = "address")]
    spawn: Option<PathBuf>,
    /// A database server for `--spawn`; a database is made on it for the run. Without: SQLite.
    #[arg(long, value_name = "URL", requires = "spawn", conflicts_with = "address")]
    database_url: Option<String>,
    /// RabbitMQ for `--spawn`, under a namespace of the run's own. Without: events travel in process.
    #[arg(long, value_name = "URL", requires = "spawn", conflicts_with = "address")]
    rabbitmq_url: Option<String>,
    /// Redis for `--spawn`, under a namespace of the run's own. Without: memory.
    #[arg(long, value_name = "URL", requires = "spawn", conflicts_with = "address")]
    redis_url: Option<String>,
    /// Start so many gateways, and workers beside them; 0: one process that is both.
    #[arg(long, default_value_t = 0, requires = "database_url")]
    gateways: usize,
    /// Start so many workers.
    #[arg(long, default_value_t = 1, requires = "gateways")]
    workers: usize,
    /// The processes started find the database server here instead: a proxy in front of it.
    #[arg(long, value_name = "HOST:PORT", requires = "database_url")]
    database_via: Option<SocketAddr>,
    /// Set the clock of a process so many milliseconds ahead, or behind: `gateway-1=60000`, `worker-2=-300000`.
    #[arg(long = "clock", value_name = "PROCESS=MILLISECONDS", requires = "spawn")]
    clocks: Vec<Clock>,
    /// Load a server that runs here already.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<SocketAddr>,
}

/// How far off the clock of one process is.
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

/// Whether the budgets of the server that is started are its own, or lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budgets {
    /// What is measured and checked is the server, not its budgets.
    Lifted,
    /// Those it has when nothing is set.
    Default,
}

/// A server that answers.
pub(crate) struct Server {
    /// Of all doors.
    addresses: Arc<[SocketAddr]>,
    folder: TempDir,
    /// None, when it runs already.
    processes: Vec<Process>,
    database: Option<TemporaryDatabase>,
    /// Programs beside it whose cost counts: what `/proc` calls them, what the report does.
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

    /// What every process of a run is told.
    fn settings(&self, budgets: Budgets, database: Option<&TemporaryDatabase>) -> Vec<(&'static str, String)> {
        let mut settings = vec![("JWT_ACCESS_TOKEN", SECRET.to_owned()), ("CHATCHIT_MASTER_KEY", hex(&MASTER_KEY))];
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

    /// What was asked for, in words.
    pub(crate) fn in_words(&self) -> String {
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
    /// The server that runs, or an empty place and addresses for one that is yet to start.
    pub(crate) async fn reserve(target: &Target) -> Result<Self> {
        Self::reserve_with(target, Budgets::Lifted).await
    }

    /// As [`reserve`](Self::reserve), with the budgets as given.
    pub(crate) async fn reserve_with(target: &Target, budgets: Budgets) -> Result<Self> {
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
            // By it the sessions of each process are told apart on the database server.
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

    /// Starts what does not run yet, and waits until it is ready.
    pub(crate) async fn start(&self) -> Result<()> {
        try_join_all(self.processes.iter().map(Process::start)).await?;
        Ok(())
    }

    /// Starts the process of a name, and waits until it is ready.
    pub(crate) async fn start_one(&self, name: &str) -> Result<()> {
        self.named(name)?.start().await
    }

    /// Stops the process of a name where it is (SIGSTOP).
    pub(crate) async fn stop_one(&self, name: &str) -> Result<()> {
        self.named(name)?.stop().await
    }

    /// Lets it go on (SIGCONT).
    pub(crate) async fn go_on(&self, name: &str) -> Result<()> {
        self.named(name)?.go_on().await
    }

    /// Kills it (SIGKILL).
    pub(crate) async fn kill_one(&self, name: &str) -> Result<()> {
        self.named(name)?.kill().await
    }

    /// Asks it to end (SIGTERM): how it ended, and after how long; none when it had to be killed after `patience`.
    pub(crate) async fn terminate(&self, name: &str, patience: Duration) -> Result<Option<(ExitStatus, Duration)>> {
        self.named(name)?.terminate(patience).await
    }

    /// All processes: name, and what each does.
    pub(crate) fn processes(&self) -> impl Iterator<Item = (&str, Role)> {
        self.processes.iter().map(|process| (process.name.as_str(), process.role))
    }

    /// What the processes are told, but for where the database is: that is its own server.
    pub(crate) fn settings(&self) -> Result<Vec<(&'static str, String)>> {
        let mut settings = self.processes.first().context("this server runs elsewhere")?.settings().to_vec();
        settings.retain(|(name, _)| *name != "CHATCHIT_TEST_CLOCK_OFFSET_MS");
        for (_, url) in settings.iter_mut().filter(|(name, _)| *name == "DATABASE_URL") {
            *url = self.database.as_ref().context("a URL without a database")?.url().to_owned();
        }
        Ok(settings)
    }

    fn named(&self, name: &str) -> Result<&Process> {
        self.processes.iter().find(|process| process.name == name).with_context(|| format!("there is no {name}"))
    }

    /// Where its doors are.
    pub(crate) fn addresses(&self) -> Arc<[SocketAddr]> {
        Arc::clone(&self.addresses)
    }

    /// How many running processes do the work of a role.
    pub(crate) fn count(&self, role: Role) -> usize {
        self.of_role(role).count()
    }

    /// Kills the first process that does the work of a role (SIGKILL); its name.
    pub(crate) async fn kill(&self, role: Role) -> Result<&str> {
        let process = self.of_role(role).next().context("there is nothing to kill")?;
        process.kill().await?;
        Ok(&process.name)
    }

    /// The doors of what runs.
    pub(crate) fn living_doors(&self) -> Vec<SocketAddr> {
        match self.processes[..] {
            [] => self.addresses.to_vec(),
            _ => self.of_role(Role::Gateway).filter(|process| process.is_awake()).map(|one| one.address).collect(),
        }
    }

    /// Processes that ended without being killed, each in words.
    pub(crate) fn ended(&self) -> Result<Vec<String>> {
        let ended = self.processes.iter().map(|process| Ok(process.ended()?.map(|status| (process, status))));
        let ended: Vec<_> = ended.collect::<Result<_>>()?;
        let in_words = |(process, status): (&Process, _)| format!("{} ended by itself: {status}", process.name);
        Ok(ended.into_iter().flatten().map(in_words).collect())
    }

    fn of_role(&self, role: Role) -> impl Iterator<Item = &Process> {
        let does = move |process: &&Process| process.role == role || process.role == Role::All;
        self.processes.iter().filter(|process| process.is_running()).filter(does)
    }

    /// A folder that lasts as long as the run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What its processes, its engines and this program used so far, always in the same order.
    pub(crate) fn usage(&self) -> Result<Vec<Usage>> {
        let mut all: Vec<_> = self.processes.iter().map(Process::usage).collect();
        for (name, kind) in &self.engines {
            all.push(machine::of_all_named(name, *kind)?);
        }
        all.push(machine::of_this_program()?);
        Ok(all)
    }

    /// The memory of its largest process (KiB); none when none was started here.
    pub(crate) fn resident(&self) -> Option<u64> {
        self.processes.iter().filter_map(|process| process.usage().resident_kib).max()
    }

    /// How many statements the run's database ran so far; none without a Postgres that counts them.
    pub(crate) async fn statements(&self) -> Result<Option<u64>> {
        match &self.database {
            Some(database) => database.statements().await,
            None => Ok(None),
        }
    }

    /// Ends what was started.
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

/// A database URL whose sessions have a name.
fn named(url: &str, name: &str) -> String {
    format!("{url}{}application_name={name}", if url.contains('?') { '&' } else { '?' })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A number that no other run has: from the hasher's random keys.
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
