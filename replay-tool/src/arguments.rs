//! The command line.

use crate::installation::Access;
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use domain::AggregateType;
use event_store::{Moment, ReactionId};
use projections::{ParkedId, Projection, audit};
use std::path::PathBuf;
use uuid::Uuid;

/// Reads ChatChit's log, and rebuilds, verifies and repairs its read models. Reads the server's configuration:
/// environment, .env.local, .env or chatchit.toml.
///
/// Exit status: 0 no difference, 1 a difference was found, 2 the task could not run.
#[derive(Debug, Parser)]
#[command(name = "chatchit-replay", version, after_long_help = config::variables::help())]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Task,
    /// Prints JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    #[command(flatten)]
    OnLog(LogTask),
    /// Copies the log and the uploaded files to a folder, while the server runs. Read models are not in it: they are rebuilt.
    Backup(Backup),
    /// Restores a backup where there is no log yet, rebuilds the read models, and verifies everything.
    Restore(Restore),
    /// Changes the incarnation of the log.
    #[command(subcommand)]
    Incarnation(Incarnation),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Incarnation {
    /// Gives the log a new incarnation: after Postgres was taken back to an earlier moment by other means than `restore`.
    /// Clients whose cursors go beyond that moment load anew, and read models, queues and graphs of before are not used.
    New,
}

#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// A new or an empty folder.
    pub(crate) dir: PathBuf,
    /// Writes the keys that the server made (master.key, audit.key, access.secret in the data folder) to this file, which is
    /// to be kept apart from the backup. Configured keys are not written.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// A folder that `backup` wrote.
    pub(crate) dir: PathBuf,
    /// Takes keys that are not configured from this file, which `backup --keys` wrote, and keeps them in the data folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Leaves the read models to the server, which rebuilds them when it starts.
    #[arg(long)]
    pub(crate) no_rebuild: bool,
}

/// A task on an existing log and its read models.
#[derive(Debug, Subcommand)]
pub(crate) enum LogTask {
    /// Prints the head of the log, and the lag of each projection.
    Status,
    /// Rebuilds read models from the log in a shadow, then swaps them in.
    Rebuild(Rebuild),
    /// Rebuilds read models in a shadow, and lists each row and column that differs from the live ones.
    Verify(Verify),
    /// Lists events of the log.
    Events(Filter),
    /// Prints the state of an aggregate, now or at an earlier moment.
    Show(Show),
    /// Verifies or signs the hash chain of the log.
    #[command(subcommand)]
    Chain(Chain),
    /// Lists, retries or discards parked events and failed reactions.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
}

impl LogTask {
    /// How the task uses the log and the read models.
    pub(crate) const fn access(&self) -> Access {
        match self {
            Self::Status | Self::Verify(_) | Self::Events(_) | Self::Show(_) | Self::Chain(_) => Access::Read,
            Self::DeadLetters(DeadLetters::List) => Access::Read,
            Self::Rebuild(_) | Self::DeadLetters(DeadLetters::Retry { .. } | DeadLetters::Discard { .. }) => {
                Access::Write
            }
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Rebuild {
    /// A projection, `audit` (the audit index), or `all`.
    pub(crate) projection: Which,
    /// Fills the shadow only; the next rebuild without this option continues from it and swaps it in.
    #[arg(long)]
    pub(crate) no_swap: bool,
    /// The number of parallel readers of the log.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,
    /// The most events read per second, to leave capacity for the server.
    #[arg(long)]
    pub(crate) max_rate: Option<u32>,
}

#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// A projection, `audit` (the audit index), or `all`.
    pub(crate) projection: Which,
}

/// The selected projections, and whether the audit index is selected too.
#[derive(Clone, Debug)]
pub(crate) struct Which {
    pub(crate) projections: Vec<Projection>,
    pub(crate) audit: bool,
}

impl Which {
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let names = self.projections.iter().copied().map(Projection::name);
        names.chain(self.audit.then_some(audit::NAME)).collect()
    }
}

impl std::str::FromStr for Which {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "all" => return Ok(Self { projections: Projection::ALL.to_vec(), audit: true }),
            audit::NAME => return Ok(Self { projections: Vec::new(), audit: true }),
            _ => {}
        }
        let names = || Projection::ALL.map(Projection::name).join(", ");
        name.parse()
            .map(|one| Self { projections: vec![one], audit: false })
            .map_err(|error| format!("{error}; choose {}, {} or all", names(), audit::NAME))
    }
}

#[derive(Args, Debug)]
pub(crate) struct Filter {
    /// Only events of this type, such as `message.sent`, or family, such as `message`. Repeatable.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<String>,
    /// Only events of this scope: the id of a conversation, a pair or a user.
    #[arg(long)]
    pub(crate) scope: Option<Uuid>,
    /// Only events caused by this user.
    #[arg(long)]
    pub(crate) actor: Option<Uuid>,
    /// The first position or time (RFC 3339), inclusive.
    #[arg(long)]
    pub(crate) from: Option<Moment>,
    /// The last position or time (RFC 3339), inclusive.
    #[arg(long)]
    pub(crate) to: Option<Moment>,
    /// The output format.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Prints personal values decrypted, instead of sealed as they are stored.
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line per event.
    #[default]
    Table,
    /// One JSON document per line, with all stored fields.
    Ndjson,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The type of the aggregate.
    #[arg(value_parser = aggregates())]
    pub(crate) aggregate: AggregateType,
    /// The id of the aggregate.
    pub(crate) id: Uuid,
    /// Prints the state at this position or time (RFC 3339).
    #[arg(long)]
    pub(crate) at: Option<Moment>,
}

/// Accepts the stored name of each aggregate; `--help` lists them all.
fn aggregates() -> impl TypedValueParser<Value = AggregateType> {
    let names = AggregateType::ALL.iter().map(|aggregate| aggregate.as_str());
    PossibleValuesParser::new(names)
        .try_map(|name| AggregateType::parse(&name).ok_or_else(|| format!("unknown aggregate {name}")))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Chain {
    /// Recomputes every digest and the whole chain, and compares them with the stored ones.
    Verify {
        /// A signed head saved earlier (`chain head` or `GET /admin/audit/head`). The log must still contain it, and
        /// CHATCHIT_AUDIT_KEY must have signed it.
        #[arg(long, value_name = "HEAD.json")]
        against: Option<PathBuf>,
    },
    /// Prints the head of the log as JSON, signed with CHATCHIT_AUDIT_KEY. Keep it on another machine.
    Head,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// Lists parked events and reactions, oldest first.
    List,
    /// Retries a parked event, waiting or given up, and applies the events behind it. The server retries a reaction within
    /// seconds.
    Retry {
        /// `<projection>:<position>` or `reactor.<name>:<position>`, as listed; `all` for every parked event.
        id: Letter,
    },
    /// Discards a parked event for good and applies the events behind it, or discards a reaction.
    Discard {
        /// `<projection>:<position>` or `reactor.<name>:<position>`, as listed.
        id: Named,
    },
}

/// One dead letter, or all parked events.
#[derive(Clone, Debug)]
pub(crate) enum Letter {
    All,
    One(Named),
}

/// A dead letter.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    Event(ParkedId),
    Reaction(ReactionId),
}

impl std::str::FromStr for Letter {
    type Err = projections::Error;

    fn from_str(name: &str) -> Result<Self, projections::Error> {
        if name == "all" { Ok(Self::All) } else { name.parse().map(Self::One) }
    }
}

impl std::str::FromStr for Named {
    type Err = projections::Error;

    fn from_str(name: &str) -> Result<Self, projections::Error> {
        match name.parse() {
            Ok(reaction) => Ok(Self::Reaction(reaction)),
            Err(_) => name.parse().map(Self::Event),
        }
    }
}
