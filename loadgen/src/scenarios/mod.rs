//! The scenarios, each a file or folder of its own.

mod append;
mod audit;
mod calls;
mod priorities;
mod rooms;
mod storm;
mod trial;
mod typing;
mod worst_account;

use crate::scenario::play;
use anyhow::Result;
use clap::Subcommand;

/// One line each: its name on the command line, and its settings.
#[derive(Subcommand)]
pub(crate) enum Scenarios {
    Rooms(Box<rooms::Rooms>),
    Priorities(Box<priorities::Priorities>),
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
    pub(crate) fn play(&self, json: bool) -> Result<bool> {
        match self {
            Self::Rooms(rooms) => play(&**rooms, json),
            Self::Priorities(priorities) => play(&**priorities, json),
            Self::Typing(typing) => play(&**typing, json),
            Self::Storm(storm) => play(&**storm, json),
            Self::Calls(calls) => play(&**calls, json),
            Self::WorstAccount(worst_account) => play(&**worst_account, json),
            Self::Trial(trial) => play(&**trial, json),
            Self::Audit(audit) => play(audit, json),
            Self::Append(append) => play(append, json),
        }
    }
}
