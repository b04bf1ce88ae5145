//! The suites that are scripts of Node.

use super::{Suite, chromium, place::Place, workspace_root};
use crate::shell::{Shell, say};
use anyhow::{Context, Result};
use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::process::Command;

const FOLDER: &str = "xtask/e2e";

/// Scripts in a folder of their own, with what they need.
pub(crate) struct Scripts {
    folder: TempDir,
    suites: Vec<Suite>,
    chromium: Option<PathBuf>,
    /// Where the pages of the browser are to be.
    pages: u16,
}

impl Scripts {
    /// Copies them, and installs what they need.
    pub(crate) async fn prepare(shell: &mut Shell, suites: &[Suite]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-e2e-").tempdir()?;
        copy(&workspace_root().join(FOLDER), folder.path()).with_context(|| format!("cannot copy {FOLDER}"))?;
        let mut chromium = None;
        for suite in suites {
            match suite {
                Suite::Tour | Suite::Api => {}
                Suite::WebRtc => chromium = Some(chromium::program(shell).await?),
                Suite::SocketIo => {
                    let mut npm = Command::new("npm");
                    npm.args(["ci", "--silent", "--no-fund", "--no-audit"]);
                    shell.run(npm.current_dir(folder.path().join(suite.name()))).await?;
                }
            }
        }
        let pages = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        Ok(Self { folder, suites: suites.to_vec(), chromium, pages })
    }

    /// Where the pages come from, as browsers tell it.
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.pages)
    }

    /// Runs them, one after the other: the first person at the first door of the place, the second at its last.
    pub(crate) async fn run(&self, shell: &mut Shell, place: &Place) -> Result<()> {
        let [first, .., last] = place.doors() else { anyhow::bail!("a place without doors") };
        for suite in &self.suites {
            let mut node = Command::new("node");
            node.arg(self.folder.path().join(suite.name()).join("main.mjs"));
            node.env("DOOR_A", first).env("DOOR_B", last).env("PAGES_PORT", self.pages.to_string());
            // What they leave behind when they are interrupted goes with the folder.
            node.env("TMPDIR", self.folder.path());
            node.envs(self.chromium.iter().map(|program| ("CHROMIUM", program)));
            let ran = shell.run(&mut node).await;
            if ran.is_err() {
                say(format_args!("the server's log says:\n{}", place.log()));
            }
            ran.with_context(|| format!("{} failed", suite.name()))?;
        }
        Ok(())
    }
}

/// Copies a folder; what npm has put there is left out.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true if entry.file_name() == "node_modules" => {}
            true => copy(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::copy;
    use std::fs;

    #[test]
    fn what_npm_installed_is_not_copied() {
        let [from, to] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        for folder in ["rows", "node_modules"] {
            fs::create_dir(from.path().join(folder)).unwrap();
            fs::write(from.path().join(folder).join("a.mjs"), "").unwrap();
        }
        copy(from.path(), to.path()).unwrap();
        assert!(to.path().join("rows/a.mjs").exists() && !to.path().join("node_modules").exists());
    }
}
