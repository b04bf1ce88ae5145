//! The release binary: builds it, starts it without configuration, waits until it is ready, and stops it.

use crate::shell::{Shell, cargo, end, say};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::timeout,
};

/// All programs at once: so the server is not built a second time, with other features, for the tour.
pub(crate) const BUILD: [&str; 5] = ["build", "--release", "--workspace", "--bins", "--locked"];

const READY: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

/// Cargo's target folder.
pub(crate) async fn target_directory(shell: &mut Shell) -> Result<PathBuf> {
    let metadata = shell.output(cargo().args(["metadata", "--format-version=1", "--no-deps", "--locked"])).await?;
    let metadata: Metadata = serde_json::from_str(&metadata)?;
    Ok(metadata.target_directory)
}

/// Builds the server and tries it.
pub(crate) async fn build_and_smoke(shell: &mut Shell) -> Result<()> {
    shell.run(cargo().args(BUILD)).await?;
    let binary = target_directory(shell).await?.join("release/chatchit");
    let folder = tempfile::Builder::new().prefix("chatchit-smoke-").tempdir()?;
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?;
    say(format_args!("starting {} in an empty folder", binary.display()));
    let since = Instant::now();
    let mut server = Command::new(&binary)
        .env_clear()
        .env("PORT", address.port().to_string())
        .env("CHATCHIT_DATA", folder.path().join("data"))
        .current_dir(folder.path())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", binary.display()))?;
    let Some(ready) = shell.unless_interrupted(wait_until_ready(&mut server, address)).await else {
        end(&mut server).await?;
        bail!("interrupted");
    };
    ready?;
    say(format_args!("ready after {} ms", since.elapsed().as_millis()));
    let status = end(&mut server).await?;
    ensure!(status.success(), "the server did not stop cleanly: {status}");
    say("stopped cleanly");
    Ok(())
}

/// Waits until a server that was just started is ready; an error when it ends before, or takes too long.
pub(crate) async fn wait_until_ready(server: &mut Child, address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + READY;
    while Instant::now() < deadline {
        if let Some(status) = server.try_wait()? {
            bail!("the server ended before it was ready: {status}");
        }
        let asked = timeout(Duration::from_secs(5), status_of(address, "/readyz")).await;
        if matches!(asked, Ok(Ok(200))) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("the server was not ready within {READY:?}")
}

/// The status of a GET: too little of HTTP to need a client for.
async fn status_of(address: SocketAddr, path: &str) -> Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).context("not an HTTP answer")?;
    Ok(status.parse()?)
}
