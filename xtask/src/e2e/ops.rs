//! A deployment as far as a machine without containers shows it: compose, manifests and units by their schemas, and the
//! same parts started natively behind the nginx file that compose mounts.

use super::python::{self, Python};
use crate::{
    copy::copy,
    engines::Engines,
    install,
    programs::Programs,
    shell::{Shell, say, workspace_root},
};
use anyhow::{Context, Result};
use std::env;
use tokio::process::Command;

/// Required programs, and their packages in Debian.
const PROGRAMS: [(&str, &[&str]); 4] = [
    ("python3", python::PACKAGES),
    ("nginx", &["nginx-light"]),
    ("openssl", &["openssl"]),
    ("promtool", &["prometheus"]),
];
const FOLDER: &str = "xtask/e2e/ops";

/// Required programs that are missing and cannot be installed here.
pub(super) fn missing() -> Vec<&'static str> {
    install::missing(&PROGRAMS)
}

/// Checks the files, and runs the topology on engines of its own.
pub(super) async fn run(shell: &mut Shell, programs: &Programs) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("chatchit-e2e-ops-").tempdir()?;
    copy(&workspace_root().join(FOLDER), folder.path()).with_context(|| format!("cannot copy {FOLDER}"))?;
    install::programs(shell, &PROGRAMS).await?;
    let venv = Python::prepare(shell, folder.path()).await?;
    let engines = Engines::fresh(shell).await?;
    say("two gateways and two workers behind nginx");
    let mut python = Command::new(venv.program("python"));
    python.arg("main.py").current_dir(folder.path()).envs(engines.variables());
    python.env("CHATCHIT", programs.program("chatchit")).env("REPOSITORY", workspace_root());
    // Where Debian has nginx.
    let path = env::var("PATH").unwrap_or_default();
    python.env("PATH", format!("{path}:/usr/sbin"));
    shell.run(&mut python).await.context("the deployment does not hold what docs/deploy.md says")
}
