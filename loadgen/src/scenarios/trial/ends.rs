//! The final verification: read models equal a replay of the log, the hash chain holds, and nothing is parked, if that is
//! expected.

use crate::server::Server;
use anyhow::{Context, Result};
use std::{
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};
use tokio::{process::Command, time::timeout};

/// The time limit of a verification.
const VERIFY: Duration = Duration::from_secs(600);

/// The complaints of the replay tool.
pub(super) async fn verify(program: &Path, server: &Server, nothing_parked: bool) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    for task in [["verify", "all"], ["chain", "verify"]] {
        let output = run(program, server, &task).await?;
        if !output.status.success() {
            differences.push(described(&task, &output));
        }
    }
    if nothing_parked {
        let task = ["dead-letters", "list", "--json"];
        let output = run(program, server, &task).await?;
        if !output.status.success() || output.stdout.trim_ascii() != b"[]" {
            differences.push(described(&task, &output));
        }
    }
    Ok(differences)
}

async fn run(program: &Path, server: &Server, task: &[&str]) -> Result<Output> {
    let mut command = Command::new(program);
    for name in ["DATABASE_URL", "RABBITMQ_URL", "REDIS_URL", "CHATCHIT_NAMESPACE"] {
        command.env_remove(name);
    }
    command.envs(server.settings()?).env("CHATCHIT_DATA", server.folder().join("replay"));
    command.current_dir(server.folder()).args(task).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(VERIFY, command.output()).await.context("the verification does not end")?;
    output.with_context(|| format!("cannot run {}", program.display()))
}

fn described(task: &[&str], Output { status, stdout, stderr }: &Output) -> String {
    let output_of_tool = [&stdout[..], &stderr[..]].concat();
    let text = String::from_utf8_lossy(&output_of_tool).lines().take(40).collect::<Vec<_>>().join("\n");
    format!("{}: {status}\n{text}", task.join(" "))
}
