//! Stock Socket.IO clients of three languages, through a round-robin proxy to two gateways.

use super::{place::Place, python, python::Python};
use crate::{
    install, release,
    shell::{Shell, cargo, say, workspace_root},
};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Required programs and their Debian packages. `rust_socketio` links the system's OpenSSL.
const PROGRAMS: [(&str, &[&str]); 4] =
    [("python3", python::PACKAGES), ("node", &["nodejs"]), ("npm", &["npm"]), ("pkg-config", OPENSSL)];
const OPENSSL: &[&str] = &["pkg-config", "libssl-dev"];
const RUST: &str = "chatchit-e2e-rust-socketio";

/// The required programs that are missing and cannot be installed here.
pub(super) fn missing() -> Vec<&'static str> {
    install::missing(&PROGRAMS)
}

/// The clients, installed and built.
pub(super) struct Stock {
    folder: PathBuf,
    python: Python,
    rust: PathBuf,
}

impl Stock {
    /// Prepares the clients of the suite, which was copied to `folder`.
    pub(super) async fn prepare(shell: &mut Shell, folder: &Path) -> Result<Self> {
        install::programs(shell, &PROGRAMS).await?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--no-fund", "--no-audit"]);
        shell.run(npm.current_dir(folder)).await?;
        let python = Python::prepare(shell, &folder.join("stock")).await?;
        if !shell.succeeds(Command::new("pkg-config").args(["--exists", "openssl"])).await {
            install::packages(shell, OPENSSL).await?;
        }
        let target = release::target_directory(shell).await?.join("e2e");
        let mut build = cargo();
        build.args(["build", "--quiet", "--locked", "--target-dir"]).arg(&target);
        build.arg("--manifest-path").arg(workspace_root().join("xtask/e2e/socketio/rust/Cargo.toml"));
        shell.run(&mut build).await?;
        Ok(Self { folder: folder.to_owned(), python, rust: target.join("debug").join(RUST) })
    }

    /// Runs them against the gateways of a place. The script kills and restarts each gateway.
    pub(super) async fn run(&self, shell: &mut Shell, place: &Place) -> Result<()> {
        let mut node = Command::new("node");
        node.arg(self.folder.join("stock.mjs"));
        node.env("GATEWAYS", serde_json::to_string(place.gateways())?);
        node.env("PYTHON", self.python.program("python")).env("RUST_CLIENT", &self.rust);
        let ran = shell.run(&mut node).await;
        if ran.is_err() {
            say(format_args!("the server's log says:\n{}", place.log()));
        }
        ran.context("stock clients failed")
    }
}
