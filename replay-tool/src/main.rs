//! `chatchit-replay`: an operator's tool that reads the log and rebuilds, verifies and repairs the read models.
//!
//! Exit status: 0 no difference, 1 a difference was found, 2 the task could not run.

mod arguments;
mod backup;
mod chain;
mod dead_letters;
mod events;
mod incarnation;
mod installation;
mod outcome;
mod output;
mod progress;
mod rebuild;
mod restore;
mod show;
mod status;
mod verify;

use arguments::{Arguments, Incarnation, LogTask, Task};
use clap::Parser;
use outcome::Outcome;
use output::Output;
use std::{io::IsTerminal as _, process::ExitCode};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    private_files::by_default();
    // Colours only on a terminal, and not when NO_COLOR is set (no-color.org).
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    tracing_subscriber::fmt().with_env_filter(log_filter()).with_writer(std::io::stderr).with_ansi(colours).init();
    match run(Arguments::parse()).await {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Different) => ExitCode::from(1),
        // The reader of the output closed it.
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chatchit-replay: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// `RUST_LOG`, or errors only. Postgres' notices appear only if `RUST_LOG` names `sqlx`.
fn log_filter() -> EnvFilter {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    let filter = EnvFilter::try_new(&wanted).ok().filter(|_| !wanted.is_empty()).unwrap_or_else(|| "error".into());
    match "sqlx=warn".parse() {
        Ok(quiet) if !wanted.contains("sqlx") => filter.add_directive(quiet),
        _ => filter,
    }
}

async fn run(Arguments { task, json }: Arguments) -> anyhow::Result<Outcome> {
    let output = Output::new(json);
    match task {
        Task::OnLog(task) => on_log(&output, task).await,
        Task::Backup(which) => backup::run(&output, &which, until_interrupted()).await,
        Task::Restore(which) => restore::run(&output, &which, until_interrupted()).await,
        Task::Incarnation(Incarnation::New) => incarnation::renew(&output).await,
    }
}

async fn on_log(output: &Output, task: LogTask) -> anyhow::Result<Outcome> {
    let installation = installation::Installation::open(task.access()).await?;
    match task {
        LogTask::Status => status::run(&installation, output).await,
        LogTask::Rebuild(which) => rebuild::run(&installation, output, &which, until_interrupted()).await,
        LogTask::Verify(which) => verify::run(&installation, output, &which, until_interrupted()).await,
        LogTask::Events(filter) => events::run(&installation, output, &filter).await,
        LogTask::Show(which) => show::run(&installation, output, &which).await,
        LogTask::Chain(task) => chain::run(&installation, output, task).await,
        LogTask::DeadLetters(task) => dead_letters::run(&installation, output, task).await,
    }
}

/// A token that the first Ctrl-C cancels; a second one ends the program.
fn until_interrupted() -> CancellationToken {
    let token = CancellationToken::new();
    let interrupted = token.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("chatchit-replay: stopping; completed work is kept, live tables are unchanged");
            interrupted.cancel();
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        }
    });
    token
}
