//! The suites that are scripts of Node.

use super::{Suite, chromium, place::Place, stock::Stock};
use crate::{
    copy::copy,
    release,
    shell::{Shell, say, workspace_root},
};
use anyhow::{Context, Result};
use std::{
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
};
use tempfile::TempDir;
use tokio::process::Command;

const FOLDER: &str = "xtask/e2e";

/// Scripts in a folder of their own, with their requirements.
pub(crate) struct Scripts {
    folder: TempDir,
    suites: Vec<Suite>,
    chromium: Option<PathBuf>,
    stock: Option<Stock>,
    /// The port of the browser's pages.
    pages: u16,
    /// Where pictures are left, to be looked at.
    screenshots: PathBuf,
}

impl Scripts {
    /// Copies them, and installs their requirements.
    pub(crate) async fn prepare(shell: &mut Shell, suites: &[Suite]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-e2e-").tempdir()?;
        copy(&workspace_root().join(FOLDER), folder.path()).with_context(|| format!("cannot copy {FOLDER}"))?;
        let (mut chromium, mut stock) = (None, None);
        for suite in suites {
            match suite {
                Suite::Tour | Suite::Api | Suite::Ops => {}
                Suite::WebRtc | Suite::Dashboard => chromium = Some(chromium::program(shell).await?),
                Suite::SocketIo => stock = Some(Stock::prepare(shell, &folder.path().join(suite.name())).await?),
            }
        }
        let pages = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let screenshots = release::target_directory(shell).await?.join("e2e");
        Ok(Self { folder, suites: suites.to_vec(), chromium, stock, pages, screenshots })
    }

    /// The origin of the pages, as browsers send it.
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
            // Their temporary files are removed with the folder.
            node.env("TMPDIR", self.folder.path());
            node.env("SCREENSHOTS", self.screenshots.as_path());
            node.envs(place.bootstrap_token().map(|token| ("BOOTSTRAP", token)));
            node.envs(self.chromium.iter().map(|program| ("CHROMIUM", program)));
            let ran = shell.run(&mut node).await;
            if ran.is_err() {
                say(format_args!("the server's log says:\n{}", place.log()));
            }
            ran.with_context(|| format!("{} failed", suite.name()))?;
        }
        // Last, because it kills each gateway.
        if let (Some(stock), [_, _, ..]) = (&self.stock, place.gateways()) {
            stock.run(shell, place).await?;
        }
        Ok(())
    }
}
