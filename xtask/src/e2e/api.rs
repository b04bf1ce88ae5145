//! The two documents: linted, made into types and clients that are run, and every route asked by Schemathesis.

use super::{
    place::Place,
    python::{self, Python},
};
use crate::{
    copy::copy,
    install,
    shell::{Shell, say, workspace_root},
};
use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::process::Command;

/// Required programs, and their packages in Debian.
const PROGRAMS: [(&str, &[&str]); 4] =
    [("python3", python::PACKAGES), ("node", &["nodejs"]), ("npm", &["npm"]), ("java", &["default-jre-headless"])];
const FOLDER: &str = "xtask/e2e/api";

/// Required programs that are missing and cannot be installed here.
pub(super) fn missing() -> Vec<&'static str> {
    install::missing(&PROGRAMS)
}

/// The environment, in a folder of its own.
pub(super) struct Api {
    folder: TempDir,
    python: Python,
}

impl Api {
    /// Makes it: the scripts, an environment of Python and the packages of npm, each at one version.
    pub(super) async fn prepare(shell: &mut Shell) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-e2e-api-").tempdir()?;
        copy(&workspace_root().join(FOLDER), folder.path()).with_context(|| format!("cannot copy {FOLDER}"))?;
        install::programs(shell, &PROGRAMS).await?;
        let python = Python::prepare(shell, folder.path()).await?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--no-fund", "--no-audit"]);
        shell.run(npm.current_dir(folder.path())).await?;
        Ok(Self { folder, python })
    }

    /// Runs against a place without any account.
    pub(super) async fn run(&self, shell: &mut Shell, place: &Place) -> Result<()> {
        let [door, .., other] = place.doors() else { anyhow::bail!("a place without doors") };
        let token = place.bootstrap_token().context("no bootstrap token is in the server's log")?;
        let mut python = Command::new(self.python.program("python"));
        python.arg("main.py").current_dir(self.folder.path());
        python.env("DOOR_A", door).env("DOOR_B", other).env("BOOTSTRAP_TOKEN", token);
        let ran = shell.run(&mut python).await;
        if ran.is_err() {
            say(format_args!("the server's log says:\n{}", place.log()));
        }
        ran.context("the documents are wrong, or the routes differ from them")
    }
}
