//! The command line: `chatchit [serve|gateway|worker]`, and the verbs of an operator, a file each.

mod doctor;
mod documents;
mod health;
mod logging;
mod migrate;
mod output;
mod reload;
mod secrets;
mod serve;
mod settings;
mod user;

use anyhow::Result;
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use config::{Role, variables};
use std::path::PathBuf;

/// The realtime chat server.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "chatchit", version, after_help = variables::help())]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Serves, with the parts that CHATCHIT_ROLE names.
    Serve,
    /// Serves clients; workers in other processes keep the read models.
    Gateway,
    /// Keeps the read models; serves health checks only.
    Worker,
    /// Creates or migrates the tables, and ends.
    Migrate,
    /// The configuration.
    Config {
        #[command(subcommand)]
        task: ConfigTask,
    },
    /// Tries every configured engine, and the machine, and says how to mend what is wrong.
    Doctor(doctor::Options),
    /// Asks the server of this configuration whether it is ready; fails if it is not.
    Health(health::Options),
    /// Prints new values for all secrets, as lines of an .env file.
    Secrets,
    /// Accounts.
    User {
        #[command(subcommand)]
        task: UserTask,
    },
    /// Prints completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Writes the manual pages.
    Man {
        /// The folder to write to.
        folder: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigTask {
    /// Prints the settings in force and where each comes from, and all faults; fails if there is a fault.
    Check(settings::Options),
}

#[derive(Debug, Subcommand)]
enum UserTask {
    /// Opens an account.
    Create(user::NewUser),
    /// Sets an account's password, which ends all its sessions.
    Password(user::NewPassword),
}

/// Does what the command line asks.
///
/// # Errors
/// Why it could not, for a person to read.
pub async fn run() -> Result<()> {
    let task = Arguments::parse().task.unwrap_or(Task::Serve);
    match task {
        Task::Serve => serve::serve(None).await,
        Task::Gateway => serve::serve(Some(Role::Gateway)).await,
        Task::Worker => serve::serve(Some(Role::Worker)).await,
        Task::Migrate => migrate::migrate().await,
        Task::Config { task: ConfigTask::Check(options) } => settings::check(&options),
        Task::Doctor(options) => doctor::examine(&options).await,
        Task::Health(options) => health::ask(options).await,
        Task::Secrets => secrets::print(),
        Task::User { task: UserTask::Create(user) } => user::create(user).await,
        Task::User { task: UserTask::Password(user) } => user::set_password(user).await,
        Task::Completions { shell } => documents::completions(shell),
        Task::Man { folder } => documents::manual(&folder),
    }
}
