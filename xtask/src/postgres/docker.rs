//! A private server in Docker.

use crate::shell::{Shell, say, which};
use anyhow::{Context, Result, bail};
use std::{
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::Command;

const IMAGE: &str = "postgres:17";
const START: Duration = Duration::from_secs(120);

/// A container that lives as long as this value.
pub(crate) struct Container {
    id: String,
    url: String,
}

/// Whether there is a Docker that answers.
pub(crate) async fn is_usable(shell: &mut Shell) -> bool {
    which("docker").is_some() && shell.succeeds(Command::new("docker").arg("info")).await
}

impl Container {
    /// Starts one, and waits until it answers.
    pub(crate) async fn start(shell: &mut Shell) -> Result<Self> {
        say(format_args!("starting {IMAGE} in Docker"));
        let id = shell
            .output(Command::new("docker").args([
                "run",
                "--detach",
                "--rm",
                "--env=POSTGRES_HOST_AUTH_METHOD=trust",
                "--publish=127.0.0.1::5432",
                IMAGE,
                "-c",
                "max_connections=400",
            ]))
            .await?;
        let mut container = Self { id: id.trim().to_owned(), url: String::new() };
        let published = shell.output(Command::new("docker").args(["port", &container.id, "5432/tcp"])).await?;
        let address = published.lines().next().context("Docker names no port")?;
        container.url = format!("postgres://postgres@{address}/postgres");
        container.wait(shell).await?;
        Ok(container)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// While the image sets itself up, its server listens on a socket only: so ask over TCP.
    async fn wait(&self, shell: &mut Shell) -> Result<()> {
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            let asked = ["exec", &self.id, "pg_isready", "--quiet", "--host=127.0.0.1"];
            if shell.succeeds(Command::new("docker").args(asked)).await {
                return Ok(());
            }
            let pause = tokio::time::sleep(Duration::from_millis(200));
            if shell.unless_interrupted(pause).await.is_none() {
                bail!("interrupted");
            }
        }
        bail!("Postgres in Docker did not answer within {START:?}")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let mut remove = std::process::Command::new("docker");
        let removed = remove.args(["rm", "--force", "--volumes", &self.id]).stdout(Stdio::null()).status();
        if !removed.is_ok_and(|status| status.success()) {
            say(format_args!("the container {} could not be removed", self.id));
        }
    }
}
