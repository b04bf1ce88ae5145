//! `chatchit-loadgen`: scenarios that load a server, measure it, and check that nothing was lost or doubled.

mod machine;
mod rooms;
mod server;
mod socket;
mod stats;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Loads a ChatChit server, measures it, and checks that nothing was lost or doubled.
#[derive(Parser)]
#[command(name = "chatchit-loadgen", version)]
struct Arguments {
    #[command(subcommand)]
    scenario: Scenario,
    /// Print one JSON document instead of tables.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Scenario {
    /// Rooms of people who post: each message goes to every member of its room.
    Rooms(rooms::Settings),
}

/// One thread on purpose: the client shares its machine with the server, and must leave it room.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("chatchit-loadgen: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether the oracle found nothing wrong.
async fn run(arguments: Arguments) -> Result<bool> {
    match arguments.scenario {
        Scenario::Rooms(settings) => rooms::run(settings, arguments.json).await,
    }
}
