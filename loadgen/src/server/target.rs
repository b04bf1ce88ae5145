//! The server to load: options of the command line.

use super::{MASTER_KEY, SECRET, TemporaryDatabase, process::Role, unique};
use crate::machine::{Kind, Programs, Source};
use clap::Args;
use domain::hex;
use std::{net::SocketAddr, path::PathBuf, str::FromStr};

/// The server to load.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// Start this `chatchit` in an empty folder for the run.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "address", required_unless_present = "address")]
    pub(super) spawn: Option<PathBuf>,
    /// A Postgres server for `--spawn`, on which a database is created for the run. Without: SQLite.
    #[arg(long, value_name = "URL", requires = "spawn", conflicts_with = "address")]
    pub(super) database_url: Option<String>,
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
    pub(super) database_via: Option<SocketAddr>,
    /// Set the clock of a process ahead (or back): `gateway-1=60000`, `worker-2=-300000`.
    #[arg(long = "clock", value_name = "PROCESS=MILLISECONDS", requires = "spawn")]
    pub(super) clocks: Vec<Clock>,
    /// Load a running server.
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) address: Option<SocketAddr>,
    /// Count the processor time and memory of a process and its descendants, such as `postgres=123`. `postgres`, `rabbitmq` and
    /// `redis` replace the count of all processes of that name. May be given several times.
    #[arg(long = "pid", value_name = "NAME=PID")]
    pids: Vec<Pid>,
}

/// A process that runs already.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pid {
    name: String,
    id: u32,
}

impl FromStr for Pid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, id) = text.split_once('=').unwrap_or(("server", text));
        let id = id.parse().map_err(|_| format!("{text:?} is not NAME=PID, such as postgres=123"))?;
        Ok(Self { name: name.to_owned(), id })
    }
}

/// The offset of one process' clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) process: String,
    pub(super) ahead: i64,
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

impl Target {
    pub(super) fn roles(&self) -> Vec<(String, Role)> {
        if self.gateways == 0 {
            return vec![("server".to_owned(), Role::All)];
        }
        let several = |role: Role, count| (1..=count).map(move |n| (format!("{}-{n}", role.name()), role));
        several(Role::Gateway, self.gateways).chain(several(Role::Worker, self.workers)).collect()
    }

    /// The settings of every process.
    pub(super) fn settings(
        &self,
        budgets: Budgets,
        database: Option<&TemporaryDatabase>,
    ) -> Vec<(&'static str, String)> {
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

    /// Engines and other programs whose cost counts beside that of the processes.
    pub(super) fn others(&self) -> Vec<Source> {
        let trees = self.pids.iter().map(|Pid { name, id }| Source {
            name: name.clone(),
            kind: Kind::named(name),
            programs: Programs::Tree(*id),
        });
        let mut others: Vec<_> = trees.collect();
        let mut engines = vec!["postgres"];
        engines.extend(self.rabbitmq_url.as_ref().map(|_| "beam.smp"));
        engines.extend(self.redis_url.as_ref().map(|_| "redis-server"));
        for name in engines {
            let kind = Kind::named(name);
            if others.iter().all(|other| other.kind != kind) {
                others.push(Source { name: name.to_owned(), kind, programs: Programs::Named(name) });
            }
        }
        others
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

#[cfg(test)]
mod tests {
    use super::{Clock, Pid};

    #[test]
    fn a_clock_is_that_of_a_process_ahead_or_behind() {
        let clock = |process: &str, ahead| Ok(Clock { process: process.to_owned(), ahead });
        assert_eq!("gateway-1=60000".parse(), clock("gateway-1", 60_000));
        assert_eq!("worker-2=-300000".parse(), clock("worker-2", -300_000));
        assert_eq!("worker-2=+5".parse(), clock("worker-2", 5));
        assert!(["gateway-1", "gateway-1=", "gateway-1=1s"].iter().all(|text| text.parse::<Clock>().is_err()));
    }

    #[test]
    fn a_process_is_named_or_is_the_server() {
        let pid = |name: &str, id| Ok(Pid { name: name.to_owned(), id });
        assert_eq!("postgres=12".parse(), pid("postgres", 12));
        assert_eq!("12".parse(), pid("server", 12));
        assert!(["postgres", "postgres=", "a=b"].iter().all(|text| text.parse::<Pid>().is_err()));
    }
}
