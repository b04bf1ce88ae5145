//! The tests, with the engines they need.

use crate::{
    engines::{ALL, Engines},
    shell::{Shell, cargo, say},
};
use anyhow::Result;
use tokio::process::Command;

/// Runs the tests; `arguments` go to the test runner.
pub(crate) async fn test(shell: &mut Shell, arguments: &[String]) -> Result<()> {
    let engines = Engines::for_tests(shell).await?;
    let mut command = runner(shell).await;
    let chosen = arguments.iter().any(|argument| argument == "-p" || argument.starts_with("--package"));
    if !chosen {
        command.arg("--workspace");
    }
    shell.run(without_foreign(command.args(arguments)).envs(engines.test_variables())).await
}

/// Takes the variables away that would point a program at somebody's real engines.
pub(crate) fn without_foreign(command: &mut Command) -> &mut Command {
    ALL.iter().fold(command, |command, engine| command.env_remove(engine.variable))
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
