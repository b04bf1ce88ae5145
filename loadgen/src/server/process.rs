//! One process of the server.

use crate::machine::{self, Kind, Usage};
use anyhow::{Context, Result, bail, ensure};
use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

const READY: Duration = Duration::from_secs(60);

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything.
    All,
    /// The doors.
    Gateway,
    /// The read models.
    Worker,
}

impl Role {
    /// As the server's setting has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Gateway => "gateway",
            Self::Worker => "worker",
        }
    }
}

/// One process of the server; it may end and be started again.
pub(crate) struct Process {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) address: SocketAddr,
    program: PathBuf,
    folder: PathBuf,
    settings: Vec<(&'static str, String)>,
    child: RefCell<Option<Child>>,
    /// Whether it was stopped (SIGSTOP), and does not go on yet.
    stopped: Cell<bool>,
    /// Processor seconds of those that were killed.
    earlier: Cell<f64>,
}

impl Process {
    /// One that is yet to start, with `settings` beside those of every process.
    pub(super) fn new(
        name: String,
        role: Role,
        address: SocketAddr,
        program: PathBuf,
        folder: PathBuf,
        settings: Vec<(&'static str, String)>,
    ) -> Self {
        let (child, stopped, earlier) = (RefCell::new(None), Cell::new(false), Cell::new(0.0));
        Self { name, role, address, program, folder, settings, child, stopped, earlier }
    }

    /// Starts it, unless it runs, and waits until it is ready.
    pub(super) async fn start(&self) -> Result<()> {
        if self.is_running() {
            return Ok(());
        }
        let mut command = Command::new(&self.program);
        for name in ["DATABASE_URL", "RABBITMQ_URL", "REDIS_URL", "CHATCHIT_NAMESPACE"] {
            command.env_remove(name);
        }
        command.env("HOST", self.address.ip().to_string()).env("PORT", self.address.port().to_string());
        command.env("CHATCHIT_ROLE", self.role.name()).env("CHATCHIT_DATA", self.folder.join("data"));
        command.env("RUST_LOG", "warn").envs(self.settings.iter().map(|(name, value)| (name, value)));
        // Our standard output is the report.
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        self.child.replace(Some(child));
        self.wait_until_ready().await
    }

    /// Stops it where it is (SIGSTOP): its connections stay open, and nothing of it moves.
    pub(super) async fn stop(&self) -> Result<()> {
        self.signal("STOP").await?;
        self.stopped.set(true);
        Ok(())
    }

    /// Lets it go on after a stop (SIGCONT).
    pub(super) async fn go_on(&self) -> Result<()> {
        self.signal("CONT").await?;
        self.stopped.set(false);
        Ok(())
    }

    /// Asks it to end (SIGTERM), and waits: how, and after how long. One that has not ended within `patience` is killed.
    pub(super) async fn terminate(&self, patience: Duration) -> Result<Option<(ExitStatus, Duration)>> {
        self.signal("TERM").await?;
        let asked = Instant::now();
        let child = self.child.take();
        let mut child = child.with_context(|| format!("{} does not run", self.name))?;
        let ended = timeout(patience, child.wait()).await;
        if ended.is_err() {
            child.kill().await?;
        }
        ended.ok().map(|status| Ok((status?, asked.elapsed()))).transpose()
    }

    /// Sends it a signal by name, such as `TERM`.
    async fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.borrow().as_ref().and_then(Child::id);
        let id = id.with_context(|| format!("{} does not run", self.name))?;
        // The shell's own `kill`: the standard library can only kill outright.
        let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {id}")]).status().await?;
        ensure!(sent.success(), "{} could not be sent {name}", self.name);
        Ok(())
    }

    /// Kills it at once (SIGKILL), if it runs.
    pub(super) async fn kill(&self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        self.stopped.set(false);
        let id = child.id();
        child.start_kill()?;
        // What it used can be read until it is waited for.
        self.earlier.set(self.earlier.get() + id.and_then(machine::seconds_of).unwrap_or_default());
        child.wait().await?;
        Ok(())
    }

    /// What it is told, beside what every process is.
    pub(super) fn settings(&self) -> &[(&'static str, String)] {
        &self.settings
    }

    /// Whether it was started and not killed by us.
    pub(super) fn is_running(&self) -> bool {
        self.child.borrow().is_some()
    }

    /// Whether it can answer, as far as is known: it runs and is not stopped.
    pub(super) fn is_awake(&self) -> bool {
        self.is_running() && !self.stopped.get()
    }

    /// How it ended, if it did so by itself.
    pub(super) fn ended(&self) -> Result<Option<ExitStatus>> {
        Ok(self.child.borrow_mut().as_mut().map(Child::try_wait).transpose()?.flatten())
    }

    /// What it used so far.
    pub(super) fn usage(&self) -> Usage {
        let id = self.child.borrow().as_ref().and_then(Child::id);
        let now = id.and_then(machine::seconds_of).unwrap_or_default();
        Usage {
            name: self.name.clone(),
            kind: Kind::Server,
            seconds: self.earlier.get() + now,
            resident_kib: id.and_then(machine::resident_of),
        }
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        let url = format!("http://{}/readyz", self.address);
        let deadline = Instant::now() + READY;
        while Instant::now() < deadline {
            if let Some(status) = self.ended()? {
                bail!("{} ended before it was ready: {status}", self.name);
            }
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("{} was not ready within {READY:?}", self.name)
    }
}
