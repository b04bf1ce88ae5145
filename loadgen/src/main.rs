//! `chatchit-loadgen`: scenarios that load a server, measure it, and check that nothing was lost or doubled.

mod aside;
mod client;
mod frames;
mod machine;
mod report;
mod scenario;
mod scenarios;
mod server;
mod socket;
mod stats;
mod traffic;

use clap::Parser;
use scenarios::Scenarios;
use std::process::ExitCode;

/// Loads a ChatChit server, measures it, and checks that nothing was lost or doubled.
#[derive(Parser)]
#[command(name = "chatchit-loadgen", version)]
struct Arguments {
    #[command(subcommand)]
    scenario: Scenarios,
    /// Print one JSON document instead of tables.
    #[arg(long, global = true)]
    json: bool,
}

fn main() -> ExitCode {
    let Arguments { scenario, json } = Arguments::parse();
    match scenario.play(json) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("chatchit-loadgen: {error:#}");
            ExitCode::from(2)
        }
    }
}
