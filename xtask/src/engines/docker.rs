//! A private server in Docker.

use super::engine::{Engine, START};
use crate::shell::{self, Shell, say, which};
use anyhow::{Context, Result, bail};
use std::{net::SocketAddr, process::Stdio, time::Duration};
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

/// The image of a container.
pub(crate) struct Image {
    pub(crate) name: &'static str,
    /// The port inside of it.
    pub(crate) port: u16,
    /// For Docker.
    pub(crate) options: &'static [&'static str],
    /// For the server.
    pub(crate) arguments: &'static [&'static str],
}

/// A container that lives as long as this value.
pub(crate) struct Container {
    name: String,
    url: String,
}

/// Whether Docker answers.
pub(crate) async fn is_usable(shell: &mut Shell) -> bool {
    which("docker").is_some() && shell.succeeds(Command::new("docker").arg("info")).await
}

impl Container {
    /// Starts one, and waits until it answers.
    pub(crate) async fn start(engine: &'static Engine) -> Result<Self> {
        let Image { name: image, port, options, arguments } = &engine.image;
        say(format_args!("starting {image} in Docker"));
        // Named before the start, so that an interrupt removes it.
        let name = format!("chatchit-{}-{}", engine.folder(), std::process::id());
        let mut container = Self { name, url: String::new() };
        let mut run = Command::new("docker");
        run.args(["run", "--detach", "--rm", "--name", &container.name, &format!("--publish=127.0.0.1::{port}")]);
        shell::output(run.args(*options).arg(image).args(*arguments)).await?;
        let mut ask = Command::new("docker");
        let published = shell::output(ask.args(["port", &container.name, &format!("{port}/tcp")])).await?;
        let address: SocketAddr = published.lines().next().context("Docker names no port")?.trim().parse()?;
        let deadline = Instant::now() + START;
        while !engine.is_ready(address).await {
            if Instant::now() > deadline {
                bail!("{} in Docker did not answer within {START:?}", engine.name);
            }
            sleep(Duration::from_millis(200)).await;
        }
        container.url = (engine.url)(address);
        Ok(container)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let mut remove = std::process::Command::new("docker");
        let removed = remove.args(["rm", "--force", "--volumes", &self.name]).stdout(Stdio::null()).status();
        if !removed.is_ok_and(|status| status.success()) {
            say(format_args!("the container {} could not be removed", self.name));
        }
    }
}
