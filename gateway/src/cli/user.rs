//! `chatchit user create` and `chatchit user password`: beside a running server, or without one.

use super::{logging::Logging, settings};
use crate::application::{command_settings, open_log};
use anyhow::{Context as _, Result, anyhow};
use clap::ValueEnum;
use commands::{CommandError, Commands, Context, Password, Register};
use config::{Config, Sources};
use domain::{
    session::Device,
    text::{DisplayName, EmailAddress},
    user::{self, Preferences, Profile},
};
use std::io::{self, Read as _};

#[derive(Debug, clap::Args)]
pub(super) struct NewUser {
    /// The address to sign in with.
    #[arg(long)]
    email: String,
    /// What the account may do.
    #[arg(long, default_value = "user")]
    role: RoleName,
    /// Its first name.
    #[arg(long, default_value = "New")]
    first_name: String,
    /// Its last name.
    #[arg(long, default_value = "User")]
    last_name: String,
    /// The password is the first line of the standard input.
    #[arg(long, required = true)]
    password_stdin: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct NewPassword {
    /// The address of the account.
    #[arg(long)]
    email: String,
    /// The password is the first line of the standard input.
    #[arg(long, required = true)]
    password_stdin: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    User,
    Moderator,
    Admin,
}

pub(super) async fn create(user: NewUser) -> Result<()> {
    let config = begin()?;
    let password = password()?;
    let profile = Profile {
        first_name: DisplayName::parse(&user.first_name).context("--first-name")?,
        last_name: DisplayName::parse(&user.last_name).context("--last-name")?,
        email: EmailAddress::parse(&user.email).context("--email")?,
        phone: None,
        avatar_url: None,
        preferences: Preferences::default(),
    };
    let role = match user.role {
        RoleName::User => user::Role::User,
        RoleName::Moderator => user::Role::Moderator,
        RoleName::Admin => user::Role::Admin,
    };
    let commands = commands(&config).await?;
    let context = context();
    let register = Register { profile, password, role, device: Device::default(), bootstrap: false };
    let signed_in = commands.register(&context, register).await.map_err(explained)?;
    commands.end_session(&actor(&context, &signed_in), signed_in.session).await?;
    tracing::info!(user.id = %signed_in.user_id, user.role = role.as_str(), "the account is open");
    Ok(())
}

pub(super) async fn set_password(user: NewPassword) -> Result<()> {
    let config = begin()?;
    let password = password()?;
    let email = EmailAddress::claimed(&user.email).context("--email")?;
    let done = commands(&config).await?.set_password(&context(), &email, password).await.map_err(explained)?;
    tracing::info!(user.id = %done.id, "the password is set, and all sessions of the account have ended");
    Ok(())
}

fn begin() -> Result<Config> {
    let config = settings::of(&Sources::here())?;
    let _logging = Logging::start(&config, None);
    Ok(config)
}

fn password() -> Result<Password> {
    let mut password = String::new();
    io::stdin().read_to_string(&mut password).context("the password cannot be read")?;
    Password::parse(password.lines().next().unwrap_or_default()).context("the password")
}

async fn commands(config: &Config) -> Result<Commands> {
    let (store, _commits) = open_log(config).await?;
    Ok(Commands::new(store, command_settings(config)))
}

fn context() -> Context {
    Context { actor: None, key: None, correlation_id: clock::new_id(), causation_id: None }
}

/// Fields at fault, each with its sentence.
fn explained(error: CommandError) -> anyhow::Error {
    let CommandError::Invalid(faults) = &error else { return error.into() };
    let faults: Vec<_> = faults.iter().map(|fault| format!("the {} {}", fault.field, fault.detail)).collect();
    anyhow!(faults.join("; "))
}

/// Nobody will use the session that registering began.
fn actor(context: &Context, signed_in: &commands::SignedIn) -> Context {
    let actor = commands::Actor { user: signed_in.user_id, session: None };
    Context { actor: Some(actor), ..context.clone() }
}
