//! `chatchit-replay`: an operator's tool. Reads the log, and rebuilds, verifies and repairs what follows from it.
//!
//! Exit status: 0 all is well, 1 a difference was found, 2 it could not run.

mod arguments;
mod chain;
mod dead_letters;
mod events;
mod output;
mod place;
mod progress;
mod rebuild;
mod show;
mod status;
mod verify;

use arguments::{Arguments, Task};
use clap::Parser;
use output::Output;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// What a task that could run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// All is well.
    Well,
    /// A difference was found.
    Different,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_env_filter(log_filter()).with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::Different) => ExitCode::from(1),
        // Whoever read our output has seen enough.
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chatchit-replay: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// By `RUST_LOG`; the notices of Postgres only when they are asked for by name.
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
    let place = place::Place::open(task.access()).await?;
    match task {
        Task::Status => status::run(&place, &output).await,
        Task::Rebuild(which) => rebuild::run(&place, &output, &which, until_interrupted()).await,
        Task::Verify(which) => verify::run(&place, &output, &which, until_interrupted()).await,
        Task::Events(filter) => events::run(&place, &output, &filter).await,
        Task::Show(which) => show::run(&place, &output, &which).await,
        Task::Chain(task) => chain::run(&place, &output, task).await,
        Task::DeadLetters(task) => dead_letters::run(&place, &output, task).await,
    }
}

/// Cancelled by Ctrl-C; a second one ends the program as it always does.
fn until_interrupted() -> CancellationToken {
    let token = CancellationToken::new();
    let interrupted = token.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("chatchit-replay: stopping; what is done is kept, and live tables are as they were");
            interrupted.cancel();
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        }
    });
    token
}
