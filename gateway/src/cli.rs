//! The command line: `chatchit [serve|gateway|worker]` and `chatchit user create`.

use crate::{
    Application, Config,
    application::{command_settings, ids, open_log},
    config::{Role, variables},
};
use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum};
use commands::{Commands, Context, Password, Register};
use domain::{
    session::Device,
    text::{DisplayName, EmailAddress},
    user::{self, Preferences, Profile},
};
use std::{io, io::Read as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// The realtime chat server.
#[derive(Debug, Parser)]
#[command(name = "chatchit", version, after_help = variables::help())]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Serves, with the parts that CHATCHIT_ROLE names (when nothing is said).
    Serve,
    /// Serves the doors; the read models are kept by others.
    Gateway,
    /// Keeps the read models; no doors but the health checks.
    Worker,
    /// Accounts.
    User {
        #[command(subcommand)]
        task: UserTask,
    },
}

#[derive(Debug, Subcommand)]
enum UserTask {
    /// Opens an account.
    Create(NewUser),
}

#[derive(Debug, clap::Args)]
struct NewUser {
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

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    User,
    Moderator,
    Admin,
}

/// Does what the command line asks.
///
/// # Errors
/// Why it could not, for a person to read.
pub async fn run() -> Result<()> {
    let arguments = Arguments::parse();
    let mut config = Config::load()?;
    start_logging(&config);
    match arguments.task {
        None | Some(Task::Serve) => (),
        Some(Task::Gateway) => config.role = Role::Gateway,
        Some(Task::Worker) => config.role = Role::Worker,
        Some(Task::User { task: UserTask::Create(user) }) => return create_user(&config, user).await,
    }
    serve(config).await
}

fn start_logging(config: &Config) {
    let mut filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    // It reports each ordinary reconnection as an error, and each returned message whole; the broker says what counts.
    if !config.log.contains("lapin")
        && let Ok(silent) = "lapin=off".parse()
    {
        filter = filter.add_directive(silent);
    }
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // Somebody else's subscriber, in a test say, stays.
    let _ = if config.log_json { lines.json().try_init() } else { lines.try_init() };
}

async fn serve(config: Config) -> Result<()> {
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let asked = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = tokio::signal::ctrl_c() => (),
        }
        asked.cancel();
    });
    let Some(application) = shutdown.run_until_cancelled(Application::build(config)).await else { return Ok(()) };
    let application = application?;
    let app = application.app();
    let engine = if app.config.database_url.is_some() { "Postgres" } else { "SQLite" };
    tracing::info!(server.address = %application.local_addr(), server.engine = engine, "chatchit is listening");
    if let Some(token) = app.bootstrap.offered(&app.store).await? {
        // Not a log line: logs are kept.
        eprintln!("Nobody is registered yet. The first administrator registers with bootstrapToken {token}");
    }
    Ok(application.run(shutdown).await?)
}

async fn create_user(config: &Config, user: NewUser) -> Result<()> {
    let mut password = String::new();
    io::stdin().read_to_string(&mut password).context("the password cannot be read")?;
    let password = password.lines().next().unwrap_or_default();
    let profile = Profile {
        first_name: DisplayName::parse(&user.first_name).context("--first-name")?,
        last_name: DisplayName::parse(&user.last_name).context("--last-name")?,
        email: EmailAddress::parse(&user.email).context("--email")?,
        phone: None,
        avatar_url: None,
        preferences: Preferences::default(),
    };
    let password = Password::parse(password).context("the password")?;
    let role = match user.role {
        RoleName::User => user::Role::User,
        RoleName::Moderator => user::Role::Moderator,
        RoleName::Admin => user::Role::Admin,
    };
    let (store, _commits) = open_log(config).await?;
    let commands = Commands::new(store, command_settings(config));
    let context = Context { actor: None, key: None, correlation_id: ids(), causation_id: None };
    let register = Register { profile, password, role, device: Device::default(), bootstrap: false };
    let signed_in = commands.register(&context, register).await?;
    commands.end_session(&actor(&context, &signed_in), signed_in.session).await?;
    tracing::info!(user.id = %signed_in.user_id, user.role = role.as_str(), "the account is open");
    Ok(())
}

/// Nobody will use the session that registering began.
fn actor(context: &Context, signed_in: &commands::SignedIn) -> Context {
    let actor = commands::Actor { user: signed_in.user_id, session: None };
    Context { actor: Some(actor), ..context.clone() }
}
