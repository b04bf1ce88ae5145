//! The tests, with the engines they need.

use crate::{
    engines::{ALL, Engines},
    shell::{Shell, cargo, say},
};
use anyhow::Result;
use std::num::NonZero;
use tokio::process::Command;

/// Runs the tests; `arguments` go to the test runner.
pub(crate) async fn test(shell: &mut Shell, arguments: &[String]) -> Result<()> {
    let engines = Engines::for_tests(shell).await?;
    let mut command = runner(shell, arguments).await;
    let chosen = arguments.iter().any(|argument| argument == "-p" || argument.starts_with("--package"));
    if !chosen {
        command.arg("--workspace");
    }
    shell.run(without_foreign(command.args(arguments)).envs(engines.test_variables())).await
}

/// Removes the variables that would point a program at real engines.
pub(crate) fn without_foreign(command: &mut Command) -> &mut Command {
    ALL.iter().fold(command, |command, engine| command.env_remove(engine.variable))
}

async fn runner(shell: &mut Shell, arguments: &[String]) -> Command {
    let mut nextest = cargo();
    nextest.arg("nextest");
    let mut command = cargo();
    if shell.succeeds(nextest.arg("--version")).await {
        command.args(["nextest", "run", "--no-fail-fast"]);
        let chosen =
            arguments.iter().any(|argument| argument.starts_with("-j") || argument.starts_with("--test-threads"));
        if !chosen {
            let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
            command.arg(format!("--test-threads={}", tests_at_once(cores)));
        }
    } else {
        say("cargo-nextest is not installed; using cargo test");
        command.args(["test", "--no-fail-fast"]);
    }
    command
}

/// Tests that run concurrently. Many wait for an engine rather than for a core, which matters where cores are few.
fn tests_at_once(cores: usize) -> usize {
    cores.max((2 * cores).min(8))
}

#[cfg(test)]
mod tests {
    use super::tests_at_once;

    #[test]
    fn few_cores_run_two_tests_each() {
        assert_eq!([1, 2, 4, 6, 16].map(tests_at_once), [2, 4, 8, 8, 16]);
    }
}
