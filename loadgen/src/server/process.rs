//! One process of the server.

use crate::machine::{self, Kind, Programs, Running, Source};
use anyhow::{Context, Result, bail, ensure};
use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

const READY: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    All,
    Gateway,
    Worker,
}

impl Role {
    /// The value of the server's setting.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Gateway => "gateway",
            Self::Worker => "worker",
        }
    }
}

/// A process of the server. It can end and be started again.
pub(crate) struct Process {
    pub(crate) name: String,
    pub(super) role: Role,
    pub(super) address: SocketAddr,
    program: RefCell<PathBuf>,
    folder: PathBuf,
    settings: Vec<(&'static str, String)>,
    child: RefCell<Option<Child>>,
    /// Stopped by SIGSTOP.
    stopped: Cell<bool>,
    running: Arc<Running>,
}

impl Process {
    pub(super) fn new(
        name: String,
        role: Role,
        address: SocketAddr,
        program: PathBuf,
        folder: PathBuf,
        settings: Vec<(&'static str, String)>,
    ) -> Self {
        let (child, stopped, running) = (RefCell::new(None), Cell::new(false), Arc::default());
        let program = RefCell::new(program);
        Self { name, role, address, program, folder, settings, child, stopped, running }
    }

    /// Starts it if it does not run, and waits until it is ready.
    pub(crate) async fn start(&self) -> Result<()> {
        if self.is_running() {
            return Ok(());
        }
        let program = self.program.borrow().clone();
        let mut command = Command::new(&program);
        for name in ["DATABASE_URL", "RABBITMQ_URL", "REDIS_URL", "CHATCHIT_NAMESPACE"] {
            command.env_remove(name);
        }
        command.env("HOST", self.address.ip().to_string()).env("PORT", self.address.port().to_string());
        command.env("CHATCHIT_ROLE", self.role.name()).env("CHATCHIT_DATA", self.folder.join("data"));
        command.env("RUST_LOG", "warn").envs(self.settings.iter().map(|(name, value)| (name, value)));
        // Our standard output is the report.
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        self.running.start(child.id().unwrap_or_default());
        self.child.replace(Some(child));
        self.wait_until_ready().await
    }

    /// It is started with this program from now on.
    pub(crate) fn replace_program(&self, program: PathBuf) {
        self.program.replace(program);
    }

    /// SIGSTOP: its connections stay open.
    pub(crate) async fn stop(&self) -> Result<()> {
        self.signal("STOP").await?;
        self.stopped.set(true);
        Ok(())
    }

    /// SIGCONT.
    pub(crate) async fn go_on(&self) -> Result<()> {
        self.signal("CONT").await?;
        self.stopped.set(false);
        Ok(())
    }

    /// SIGTERM. Returns the status and the time until the end; `None` if it was killed after `patience`.
    pub(crate) async fn terminate(&self, patience: Duration) -> Result<Option<(ExitStatus, Duration)>> {
        self.signal("TERM").await?;
        let asked = Instant::now();
        let child = self.child.take();
        let mut child = child.with_context(|| format!("{} does not run", self.name))?;
        self.running.end(self.seconds());
        let ended = timeout(patience, child.wait()).await;
        if ended.is_err() {
            child.kill().await?;
        }
        ended.ok().map(|status| Ok((status?, asked.elapsed()))).transpose()
    }

    async fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.borrow().as_ref().and_then(Child::id);
        let id = id.with_context(|| format!("{} does not run", self.name))?;
        // The shell's own `kill`: the standard library can only kill outright.
        let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {id}")]).status().await?;
        ensure!(sent.success(), "{} could not be sent {name}", self.name);
        Ok(())
    }

    /// SIGKILL, if it runs.
    pub(crate) async fn kill(&self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        self.stopped.set(false);
        child.start_kill()?;
        // What it used can be read until it is waited for.
        self.running.end(self.seconds());
        child.wait().await?;
        Ok(())
    }

    pub(super) fn settings(&self) -> &[(&'static str, String)] {
        &self.settings
    }

    /// Started, and not killed by us.
    pub(super) fn is_running(&self) -> bool {
        self.child.borrow().is_some()
    }

    /// Runs, and is not stopped.
    pub(super) fn is_awake(&self) -> bool {
        self.is_running() && !self.stopped.get()
    }

    /// The status, if it ended by itself.
    pub(super) fn ended(&self) -> Result<Option<ExitStatus>> {
        Ok(self.child.borrow_mut().as_mut().map(Child::try_wait).transpose()?.flatten())
    }

    pub(super) fn source(&self) -> Source {
        Source { name: self.name.clone(), kind: Kind::Server, programs: Programs::One(Arc::clone(&self.running)) }
    }

    /// Its memory (KiB).
    pub(super) fn resident(&self) -> Option<u64> {
        self.running.id().and_then(machine::resident_of)
    }

    /// The processor seconds that it has used.
    fn seconds(&self) -> f64 {
        self.running.id().and_then(machine::seconds_of).unwrap_or_default()
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
