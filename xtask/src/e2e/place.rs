//! The server in an empty place: as one process, or as two gateways and a worker on private engines.

use crate::{
    engines::Engines,
    programs::Programs,
    release,
    shell::{Shell, say},
};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Required beside `DATABASE_URL`.
pub(crate) const SECRETS: [(&str, &str); 2] = [
    ("JWT_ACCESS_TOKEN", "a secret for the suites alone, of 32 bytes or more"),
    ("CHATCHIT_MASTER_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
];
/// Of a log, for people.
const TAIL: usize = 8_000;

/// The server's budgets. A suite that asks everything at once lifts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limits {
    /// They do.
    On,
    /// They do not.
    Off,
}

/// How a gateway was started, so that a script can kill and restart it.
#[derive(Serialize)]
pub(crate) struct Gateway {
    door: String,
    pid: Option<u32>,
    program: PathBuf,
    folder: PathBuf,
    log: PathBuf,
    settings: BTreeMap<String, String>,
}

/// A server that lives as long as this value.
pub(crate) struct Place {
    folder: TempDir,
    program: PathBuf,
    processes: Vec<(&'static str, Child)>,
    doors: Vec<String>,
    gateways: Vec<Gateway>,
    settings: Vec<(String, String)>,
}

impl Place {
    /// One process on the embedded default, with one door for everybody.
    pub(crate) async fn embedded(
        shell: &mut Shell,
        programs: &Programs,
        origin: String,
        limits: Limits,
    ) -> Result<Self> {
        let mut place = Self::new(programs, origin, limits)?;
        place.start(shell, "server", "all").await?;
        place.doors.extend_from_within(..);
        Ok(place)
    }

    /// Two gateways and a worker.
    pub(crate) async fn two_gateways(
        shell: &mut Shell,
        programs: &Programs,
        origin: String,
        engines: &Engines,
        limits: Limits,
    ) -> Result<Self> {
        let mut place = Self::new(programs, origin, limits)?;
        let variables = SECRETS.into_iter().chain(engines.variables());
        place.settings.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for (name, role) in [("gateway-1", "gateway"), ("gateway-2", "gateway"), ("worker-1", "worker")] {
            place.start(shell, name, role).await?;
        }
        Ok(place)
    }

    fn new(programs: &Programs, origin: String, limits: Limits) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-e2e-data-").tempdir()?;
        let program = programs.program("chatchit");
        let limits = if limits == Limits::On { "on" } else { "off" };
        let settings = [("ALLOWED_ORIGINS", origin.as_str()), ("RUST_LOG", "info"), ("RATE_LIMITS", limits)];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Ok(Self { folder, program, processes: Vec::new(), doors: Vec::new(), gateways: Vec::new(), settings })
    }

    async fn start(&mut self, shell: &mut Shell, name: &'static str, role: &str) -> Result<()> {
        let data = self.folder.path().join(name);
        fs::create_dir(&data)?;
        let log = fs::File::create(self.log_of(name))?;
        let address: SocketAddr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        say(format_args!("starting {name} at {address}"));
        let own = [("PORT", address.port().to_string()), ("CHATCHIT_DATA", data.display().to_string())];
        let own = own.into_iter().chain([("CHATCHIT_ROLE", role.to_owned())]);
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let settings: BTreeMap<_, _> = self.settings.iter().cloned().chain(own).collect();
        let mut command = Command::new(&self.program);
        command.env_clear().envs(&settings);
        command.current_dir(&data).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let server = command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        if role == "gateway" {
            self.gateways.push(Gateway {
                door: format!("http://{address}"),
                pid: server.id(),
                program: self.program.clone(),
                folder: data.clone(),
                log: self.log_of(name),
                settings,
            });
        }
        self.processes.push((name, server));
        let Some((_, server)) = self.processes.last_mut() else { bail!("a process was lost") };
        match shell.unless_interrupted(release::wait_until_ready(server, address)).await {
            Some(ready) => ready.with_context(|| format!("{name}: {}", self.log()))?,
            None => bail!("interrupted"),
        }
        if role != "worker" {
            self.doors.push(format!("http://{address}"));
        }
        Ok(())
    }

    /// The URLs of its doors: two, which may be the same.
    pub(crate) fn doors(&self) -> &[String] {
        &self.doors
    }

    /// Its gateways; empty for a single process.
    pub(crate) fn gateways(&self) -> &[Gateway] {
        &self.gateways
    }

    /// The token with which the first administrator registers, as the first start printed it.
    pub(crate) fn bootstrap_token(&self) -> Option<String> {
        let logs = self.processes.iter().filter_map(|(name, _)| fs::read_to_string(self.log_of(name)).ok());
        logs.fold(None, |found, log| {
            found.or_else(|| log.split("bootstrapToken ").nth(1)?.split_whitespace().next().map(str::to_owned))
        })
    }

    /// The ends of the logs of its processes.
    pub(crate) fn log(&self) -> String {
        self.processes.iter().fold(String::new(), |mut all, (name, _)| {
            let log = fs::read_to_string(self.log_of(name)).unwrap_or_default();
            let from = log.char_indices().rev().nth(TAIL).map_or(0, |(at, _)| at);
            let _ = writeln!(all, "-- {name}\n{}", &log[from..]);
            all
        })
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }
}
