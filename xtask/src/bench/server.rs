//! A server that is started for a turn, and is ready when `/readyz` says so.

use crate::{
    release,
    shell::{self, Shell},
};
use anyhow::{Context, Result, bail};
use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
};
use tokio::process::{Child, Command};

/// A server that lives as long as this value.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts one at a free port, which it reads from `PORT`. What it says is appended to `log`.
    pub(super) async fn start(shell: &mut Shell, command: &mut Command, log: &Path) -> Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = File::options().create(true).append(true).open(log)?;
        command.env("PORT", address.port().to_string()).stdin(Stdio::null()).kill_on_drop(true);
        let shown = shell::show(command);
        let child = command.stdout(log.try_clone()?).stderr(log).spawn();
        let mut server = Self { child: child.with_context(|| format!("cannot start {shown}"))?, address };
        match shell.unless_interrupted(release::wait_until_ready(&mut server.child, address)).await {
            Some(ready) => ready.with_context(|| shown)?,
            None => bail!("interrupted"),
        }
        Ok(server)
    }

    /// The id of its process.
    pub(super) fn id(&self) -> Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// Ends it.
    pub(super) async fn end(mut self) -> Result<()> {
        shell::end(&mut self.child).await.map(drop)
    }
}
