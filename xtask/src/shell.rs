//! Runs other programs, and ends them when this one is interrupted.

use anyhow::{Context, Result, bail, ensure};
use std::{
    ffi::OsStr,
    fs,
    future::Future,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};

const GRACE: Duration = Duration::from_secs(30);

/// Runs programs, and handles Ctrl-C, `SIGTERM` and `SIGHUP`, so that started programs are ended first.
pub(crate) struct Shell {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// Prints a line to standard error.
pub(crate) fn say(text: impl std::fmt::Display) {
    eprintln!("xtask: {text}");
}

/// A command of the cargo that runs this program, without the variables by which cargo describes `xtask`: build scripts
/// that depend on them would run again, and with them most crates would be built twice.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os().filter(|(name, _)| describes_a_package(name)) {
        command.env_remove(name);
    }
    command
}

fn describes_a_package(variable: &OsStr) -> bool {
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
    prefixes.iter().any(|prefix| variable.as_encoded_bytes().starts_with(prefix.as_bytes()))
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The root folder of the workspace.
pub(crate) fn workspace_root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// The program `name` of the search path, if there is one.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

impl Shell {
    /// A shell that listens for signals from here on.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Runs a program to its end, in view of the terminal. An error when it fails or we are interrupted.
    pub(crate) async fn run(&mut self, command: &mut Command) -> Result<()> {
        let shown = show(command);
        say(format_args!("$ {shown}"));
        let mut child = command.spawn().with_context(|| format!("cannot run `{shown}`"))?;
        let ended = self.unless_interrupted(child.wait()).await;
        match ended {
            Some(status) => {
                let status = status?;
                ensure!(status.success(), "`{shown}` failed: {status}");
                Ok(())
            }
            None => {
                end(&mut child).await?;
                bail!("interrupted")
            }
        }
    }

    /// The output of a program. A failure of the program is an error.
    pub(crate) async fn output(&mut self, command: &mut Command) -> Result<String> {
        let Some(output) = self.unless_interrupted(output(command)).await else { bail!("interrupted") };
        output
    }

    /// Whether a program runs and succeeds. Its output is not shown.
    pub(crate) async fn succeeds(&mut self, command: &mut Command) -> bool {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        matches!(self.unless_interrupted(quiet.status()).await, Some(Ok(status)) if status.success())
    }

    /// Waits for `work`; `None` after an interrupt.
    pub(crate) async fn unless_interrupted<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => None,
            _ = self.terminate.recv() => None,
            _ = self.hangup.recv() => None,
            done = work => Some(done),
        }
    }
}

/// The output of a program, which is ended if this is dropped. A failure of the program is an error.
pub(crate) async fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("cannot run `{shown}`"))?;
    ensure!(output.status.success(), "`{shown}` failed: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Ends a program with SIGTERM, and with SIGKILL after the grace.
pub(crate) async fn end(child: &mut Child) -> Result<std::process::ExitStatus> {
    if let Some(id) = child.id() {
        // The shell's own `kill`: the standard library can only kill outright.
        let asked = Command::new("sh").args(["-c", &format!("kill -TERM {id}")]).stderr(Stdio::null()).status().await;
        asked.context("cannot run `sh`")?;
    }
    match timeout(GRACE, child.wait()).await {
        Ok(status) => Ok(status?),
        Err(_) => {
            child.kill().await?;
            bail!("a program did not end within {GRACE:?} and was killed")
        }
    }
}

/// A command as it would be typed, without its environment.
pub(crate) fn show(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let mut shown = words.map(OsStr::to_string_lossy).collect::<Vec<_>>();
    if let Some(name) = Path::new(&*shown[0]).file_name().map(|name| name.to_string_lossy().into_owned()) {
        shown[0] = name.into();
    }
    shown.join(" ")
}
