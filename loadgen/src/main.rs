//! `chatchit-loadgen`: scenarios that load a server, measure it, and check that nothing was lost or doubled.

mod aside;
mod client;
mod frames;
mod machine;
mod progress;
mod random;
mod report;
mod scenario;
mod scenarios;
mod server;
mod socket;
mod stats;
mod text;
mod traffic;

use clap::Parser;
use scenario::Output;
use scenarios::Scenarios;
use std::process::ExitCode;

/// Loads a ChatChit server, measures it, and checks that nothing was lost or doubled.
#[derive(Parser)]
#[command(name = "chatchit-loadgen", version)]
struct Arguments {
    #[command(subcommand)]
    scenario: Scenarios,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    let Arguments { scenario, output } = Arguments::parse();
    match scenario.play(&output) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("chatchit-loadgen: {error:#}");
            ExitCode::from(2)
        }
    }
}
