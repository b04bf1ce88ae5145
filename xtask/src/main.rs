//! The project's own commands: `cargo xtask test`, `cargo xtask ci`.
//!
//! Each prints its steps, and ends everything it started, also after a failure.

mod arrows;
mod bench;
mod ci;
mod circles;
mod copy;
mod e2e;
mod engines;
mod features;
mod install;
mod programs;
mod release;
mod revision;
mod services;
mod shell;
mod suite;
mod torture;
mod words;

use anyhow::Result;
use clap::{Parser, Subcommand};
use shell::Shell;
use std::{path::PathBuf, process::ExitCode};

/// ChatChit's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs the tests, with a Postgres, a RabbitMQ and a Redis: those of CHATCHIT_TEST_{DATABASE,RABBITMQ,REDIS}_URL,
    /// else private ones from installed programs, else from Docker, else (as root on Debian) installed first.
    Test {
        /// Passed on to `cargo nextest run` or `cargo test`: a filter, `-p <crate>` …
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Everything a change must pass, from formatting to stock clients against the programs.
    Ci,
    /// Stock clients against the programs, on the embedded default and on private engines.
    E2e {
        /// Take the programs from this folder, such as `target/debug`. Without: they are built for release.
        #[arg(long, value_name = "FOLDER")]
        binaries: Option<PathBuf>,
        /// The suites; all by default.
        #[arg(value_enum)]
        suites: Vec<e2e::Suite>,
    },
    /// Private engines for development: a Postgres, a RabbitMQ and a Redis that stay up.
    Services {
        #[command(subcommand)]
        task: services::Services,
    },
    /// Failures on purpose under traffic, each with the time it took until all worked again, judged by the load generator's
    /// oracle and by the replay tool.
    Torture(torture::Torture),
    /// Measures a scenario of the load generator in both places, beside rivals, limits and another commit, in rounds.
    Bench(bench::Bench),
    /// Checks that the crates depend on each other only as ARCHITECTURE.md says.
    Arrows,
    /// Checks that files depend on each other in circles of three at most; of one crate, prints its circles.
    Circles {
        /// The crate.
        name: Option<String>,
    },
    /// Checks that the server alone and the whole workspace resolve the same features.
    Features,
    /// Checks that retired words of docs/GLOSSARY.md are not used more often than before; of one crate, names the lines.
    Words {
        /// The crate's folder, or `docs`.
        folder: Option<String>,
    },
    /// Builds the release binary, starts it in an empty folder, waits until it is ready, and stops it.
    Smoke,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse().task).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(task: Task) -> Result<()> {
    let mut shell = Shell::new()?;
    match task {
        Task::Test { arguments } => suite::test(&mut shell, &arguments).await,
        Task::Ci => ci::run(&mut shell).await,
        Task::E2e { binaries, suites } => e2e::run(&mut shell, &suites, binaries.as_deref()).await,
        Task::Services { task } => services::run(&mut shell, task).await,
        Task::Torture(torture) => torture::run(&mut shell, torture).await,
        Task::Bench(bench) => bench::run(&mut shell, bench).await,
        Task::Arrows => arrows::check(&mut shell).await,
        Task::Circles { name: None } => circles::check(&mut shell).await,
        Task::Circles { name: Some(name) } => circles::show(&mut shell, &name).await,
        Task::Features => features::check(&mut shell).await,
        Task::Words { folder: None } => words::check(),
        Task::Words { folder: Some(folder) } => words::show(&folder),
        Task::Smoke => release::build_and_smoke(&mut shell).await,
    }
}
