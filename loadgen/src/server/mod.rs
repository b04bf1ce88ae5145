//! The server under load: a running one, or one started for the run as one process or as gateways and workers.

mod database;
mod process;
mod signals;
mod target;

pub(crate) use crate::random::unique;
pub(crate) use database::TemporaryDatabase;
pub(crate) use process::{Process, Role};
pub(crate) use signals::Signals;
pub(crate) use target::{Budgets, Target};

use crate::machine::{Kind, Programs, Running, Sampler, Source};
use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use sql::{Durability, Location};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
};
use target::Clock;
use tempfile::TempDir;

pub(crate) const SECRET: &str = "a secret for this run alone, of 32 bytes or more";
pub(crate) const MASTER_KEY: [u8; 32] = [0x42; 32];
/// Below the ports of outgoing connections: no other program takes the port of a killed process.
const PORTS: std::ops::Range<u16> = 10_240..30_000;

pub(crate) struct Server {
    /// Of all gateways.
    addresses: Arc<[SocketAddr]>,
    folder: TempDir,
    /// Empty if the server is not ours.
    processes: Vec<Process>,
    database: Option<TemporaryDatabase>,
    /// Engines and other programs whose cost counts, this one last.
    others: Vec<Source>,
}

impl Server {
    /// A running server, or an empty folder and addresses for one that is started later.
    pub(crate) async fn reserve(target: &Target, budgets: Budgets) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-load-").tempdir()?;
        let mut others = target.others();
        let own = Arc::new(Running::of(std::process::id()));
        others.push(Source { name: "client".to_owned(), kind: Kind::Client, programs: Programs::One(own) });
        let Some(program) = &target.spawn else {
            let address = target.address.context("neither --spawn nor --address")?;
            return Ok(Self { addresses: [address].into(), folder, processes: Vec::new(), database: None, others });
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
        Ok(Self { addresses, folder, processes, database, others })
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

    /// Kills all processes, and starts them again: their memory is as it was at first.
    pub(crate) async fn restart(&self) -> Result<()> {
        for process in &self.processes {
            process.kill().await?;
        }
        self.start().await
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

    /// Begins to sample the usage of its processes, its engines and this program.
    pub(crate) async fn sample(&self) -> Result<Sampler> {
        let own = self.processes.iter().map(Process::source);
        Sampler::start(own.chain(self.others.iter().cloned()).collect()).await
    }

    /// The memory of its largest process (KiB); `None` if the server is not ours.
    pub(crate) fn resident(&self) -> Option<u64> {
        self.processes.iter().filter_map(Process::resident).max()
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

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_url_gets_a_name_for_its_sessions() {
        assert_eq!(named("postgres://h/d", "worker-1"), "postgres://h/d?application_name=worker-1");
        assert_eq!(named("postgres://h/d?x=y", "a"), "postgres://h/d?x=y&application_name=a");
    }
}
