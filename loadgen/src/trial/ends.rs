//! What must be so when all is over: the read models are what a replay makes of the log, and the chain holds.

use crate::server::Server;
use anyhow::{Context, Result};
use std::{path::Path, process::Stdio, time::Duration};
use tokio::{process::Command, time::timeout};

/// How long a verification may take.
const VERIFY: Duration = Duration::from_secs(600);

/// What the replay tool finds wrong, in its words; nothing on a good day.
pub(super) async fn verify(program: &Path, server: &Server) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    for task in [["verify", "all"], ["chain", "verify"]] {
        let mut command = Command::new(program);
        for name in ["DATABASE_URL", "RABBITMQ_URL", "REDIS_URL", "CHATCHIT_NAMESPACE"] {
            command.env_remove(name);
        }
        command.envs(server.settings()?).env("CHATCHIT_DATA", server.folder().join("replay"));
        command.current_dir(server.folder()).args(task).stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(VERIFY, command.output()).await.context("the verification does not end")?;
        let output = output.with_context(|| format!("cannot run {}", program.display()))?;
        if !output.status.success() {
            let told = [&output.stdout[..], &output.stderr[..]].concat();
            let told = String::from_utf8_lossy(&told).lines().take(40).collect::<Vec<_>>().join("\n");
            differences.push(format!("{} {}: {}\n{told}", task[0], task[1], output.status));
        }
    }
    Ok(differences)
}
