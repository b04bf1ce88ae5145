//! Schemathesis in an environment of its own, asking every route of `/openapi.json`.

use super::{place::Place, workspace_root};
use crate::{
    install,
    shell::{Shell, say, which},
};
use anyhow::{Context, Result};
use std::path::PathBuf;
use tempfile::TempDir;
use tokio::process::Command;

/// Debian's packages for such an environment.
const PACKAGES: [&str; 2] = ["python3", "python3-venv"];
const FOLDER: &str = "xtask/e2e/api";

/// Whether the environment can be made, or what it needs may be installed.
pub(super) fn can_be_had() -> bool {
    which("python3").is_some() || install::is_possible()
}

/// The environment, in a folder of its own.
pub(super) struct Api {
    folder: TempDir,
}

impl Api {
    /// Makes it.
    pub(super) async fn prepare(shell: &mut Shell) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-e2e-api-").tempdir()?;
        let api = Self { folder };
        if !shell.succeeds(&mut api.environment()).await {
            say("Python cannot make an environment; installing Debian's");
            install::packages(shell, &PACKAGES).await?;
            shell.run(&mut api.environment()).await?;
        }
        let mut pip = Command::new(api.program("pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        shell.run(pip.arg(workspace_root().join(FOLDER).join("requirements.txt"))).await?;
        Ok(api)
    }

    /// Asks the first door of a place in which nobody is registered yet.
    pub(super) async fn run(&self, shell: &mut Shell, place: &Place) -> Result<()> {
        let [door, ..] = place.doors() else { anyhow::bail!("a place without doors") };
        let token = place.bootstrap_token().context("no bootstrap token is in the server's log")?;
        let mut python = Command::new(self.program("python"));
        python.arg(workspace_root().join(FOLDER).join("main.py")).current_dir(self.folder.path());
        python.env("DOOR_A", door).env("BOOTSTRAP_TOKEN", token);
        let ran = shell.run(&mut python).await;
        if ran.is_err() {
            say(format_args!("the server's log says:\n{}", place.log()));
        }
        ran.context("schemathesis found something")
    }

    fn environment(&self) -> Command {
        let mut python = Command::new("python3");
        python.args(["-m", "venv"]).arg(self.folder.path().join("venv"));
        python
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.path().join("venv/bin").join(name)
    }
}
