//! The tests, with the engines they need.

use crate::{
    postgres::{self, Postgres},
    shell::{Shell, cargo, say},
};
use anyhow::Result;
use tokio::process::Command;

/// Variables that would point a test at somebody's real server.
pub(crate) const FOREIGN: [&str; 3] = ["DATABASE_URL", "RABBITMQ_URL", "REDIS_URL"];

/// Runs the tests; `arguments` go to the test runner.
pub(crate) async fn test(shell: &mut Shell, arguments: &[String]) -> Result<()> {
    let postgres = Postgres::provide(shell).await?;
    let mut command = runner(shell).await;
    let chosen = arguments.iter().any(|argument| argument == "-p" || argument.starts_with("--package"));
    if !chosen {
        command.arg("--workspace");
    }
    command.args(arguments).env(postgres::VARIABLE, postgres.url());
    for variable in FOREIGN {
        command.env_remove(variable);
    }
    let tested = shell.run(&mut command).await;
    postgres.stop();
    tested
}

async fn runner(shell: &mut Shell) -> Command {
    let mut nextest = cargo();
    nextest.arg("nextest");
    let mut command = cargo();
    if shell.succeeds(nextest.arg("--version")).await {
        command.args(["nextest", "run", "--no-fail-fast"]);
    } else {
        say("cargo-nextest is not installed; using cargo test");
        command.args(["test", "--no-fail-fast"]);
    }
    command
}
