//! A Python environment in a temporary folder, with pinned packages.

use crate::{
    install,
    shell::{Shell, say},
};
use anyhow::Result;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Its Debian packages.
pub(super) const PACKAGES: &[&str] = &["python3", "python3-venv"];

/// A virtual environment.
pub(super) struct Python(PathBuf);

impl Python {
    /// Creates `venv` in a folder, and installs the packages of the folder's `requirements.txt`.
    pub(super) async fn prepare(shell: &mut Shell, folder: &Path) -> Result<Self> {
        let python = Self(folder.join("venv"));
        if !shell.succeeds(&mut python.environment()).await {
            say("Python cannot make an environment; installing Debian's");
            install::packages(shell, PACKAGES).await?;
            shell.run(&mut python.environment()).await?;
        }
        let mut pip = Command::new(python.program("pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement", "requirements.txt"]);
        shell.run(pip.current_dir(folder)).await?;
        Ok(python)
    }

    /// The path of one of its programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    fn environment(&self) -> Command {
        let mut python = Command::new("python3");
        python.args(["-m", "venv"]).arg(&self.0);
        python
    }
}
