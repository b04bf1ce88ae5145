//! `chatchit-loadgen`: scenarios that load a server, measure it, and check that nothing was lost or doubled.

mod append;
mod audit;
mod calls;
mod client;
mod frames;
mod machine;
mod priorities;
mod rooms;
mod server;
mod socket;
mod stats;
mod storm;
mod trial;
mod typing;
mod worst;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tokio::runtime::Builder;

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
    Rooms(Box<rooms::Settings>),
    /// Posting while reactions flood the server with ten times what it can take.
    Priorities(Box<priorities::Settings>),
    /// Posting while others type in a large room.
    Typing(Box<typing::Settings>),
    /// Many sockets drop at once, and come back to what they missed.
    Storm(Box<storm::Settings>),
    /// A gateway dies with calls that ring and calls that go on.
    Calls(calls::Settings),
    /// Two people talk while one account does the worst that the default limits let it do.
    WorstAccount(Box<worst::Settings>),
    /// Rooms of people who post, while orders on standard input break things: for `cargo xtask torture`.
    Trial(Box<trial::Settings>),
    /// Questions to the audit log, over a million events.
    Audit(audit::Settings),
    /// Appends to the log alone, beside a bare insert into the same table.
    Append(append::Settings),
}

fn main() -> ExitCode {
    let Arguments { scenario, json } = Arguments::parse();
    let done = match scenario {
        // One thread on purpose: the client shares its machine with the server, and must leave it room.
        Scenario::Rooms(settings) => block_on(Builder::new_current_thread(), rooms::run(*settings, json)),
        Scenario::Priorities(settings) => block_on(Builder::new_current_thread(), priorities::run(*settings, json)),
        Scenario::Typing(settings) => block_on(Builder::new_current_thread(), typing::run(*settings, json)),
        Scenario::Storm(settings) => block_on(Builder::new_current_thread(), storm::run(*settings, json)),
        Scenario::Calls(settings) => block_on(Builder::new_current_thread(), calls::run(settings, json)),
        Scenario::WorstAccount(settings) => block_on(Builder::new_current_thread(), worst::run(*settings, json)),
        Scenario::Trial(settings) => block_on(Builder::new_current_thread(), trial::run(*settings)),
        Scenario::Audit(settings) => block_on(Builder::new_multi_thread(), audit::run(settings, json)),
        Scenario::Append(settings) => block_on(Builder::new_multi_thread(), append::run(settings, json)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("chatchit-loadgen: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether the oracle found nothing wrong.
fn block_on(mut runtime: Builder, scenario: impl Future<Output = Result<bool>>) -> Result<bool> {
    runtime.enable_all().build()?.block_on(scenario)
}
