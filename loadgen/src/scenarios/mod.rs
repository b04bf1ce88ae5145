//! The scenarios, each a file or folder of its own.

mod append;
mod audit;
mod calls;
mod fanout;
mod growth;
mod idle;
mod mixed;
mod overload;
mod rooms;
mod slow;
mod storm;
mod tiers;
mod trial;
mod typing;
mod worst_account;

use crate::scenario::{Output, play};
use anyhow::Result;
use clap::Subcommand;

/// One line each: its name on the command line, and its settings.
#[derive(Subcommand)]
pub(crate) enum Scenarios {
    Rooms(Box<rooms::Rooms>),
    Direct(Box<rooms::Direct>),
    Mixed(Box<mixed::Mixed>),
    Fanout(Box<fanout::Fanout>),
    Overload(Box<overload::Overload>),
    #[command(alias = "priorities")]
    Tiers(Box<tiers::Tiers>),
    Slow(Box<slow::Slow>),
    Growth(Box<growth::Growth>),
    Idle(Box<idle::Idle>),
    Typing(Box<typing::Typing>),
    Storm(Box<storm::Storm>),
    Calls(Box<calls::Calls>),
    WorstAccount(Box<worst_account::WorstAccount>),
    Trial(Box<trial::Trial>),
    Audit(audit::Audit),
    Append(append::Append),
}

impl Scenarios {
    /// Plays the scenario, prints its report, and returns whether everything held.
    pub(crate) fn play(&self, output: &Output) -> Result<bool> {
        match self {
            Self::Rooms(rooms) => play(&**rooms, output),
            Self::Direct(direct) => play(&**direct, output),
            Self::Mixed(mixed) => play(&**mixed, output),
            Self::Fanout(fanout) => play(&**fanout, output),
            Self::Overload(overload) => play(&**overload, output),
            Self::Tiers(tiers) => play(&**tiers, output),
            Self::Slow(slow) => play(&**slow, output),
            Self::Growth(growth) => play(&**growth, output),
            Self::Idle(idle) => play(&**idle, output),
            Self::Typing(typing) => play(&**typing, output),
            Self::Storm(storm) => play(&**storm, output),
            Self::Calls(calls) => play(&**calls, output),
            Self::WorstAccount(worst_account) => play(&**worst_account, output),
            Self::Trial(trial) => play(&**trial, output),
            Self::Audit(audit) => play(audit, output),
            Self::Append(append) => play(append, output),
        }
    }
}
