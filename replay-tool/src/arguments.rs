//! What can be asked on the command line.

use crate::place::Access;
use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::AggregateType;
use event_store::{Moment, ReactionId};
use projections::{ParkedId, Projection, audit};
use std::path::PathBuf;
use uuid::Uuid;

/// Reads ChatChit's log, and rebuilds, verifies and repairs what follows from it. Configured as the server is:
/// environment, .env.local, .env or chatchit.toml.
///
/// Exit status: 0 all is well, 1 a difference was found, 2 it could not run.
#[derive(Debug, Parser)]
#[command(name = "chatchit-replay", version, after_long_help = gateway::config::variables::help())]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Task,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// How far the log and each projection have come.
    Status,
    /// Builds read models anew from the log, aside, then swaps them in.
    Rebuild(Rebuild),
    /// Builds read models anew, aside, and names each row and column in which the live ones differ.
    Verify(Verify),
    /// Lists events of the log.
    Events(Filter),
    /// Shows an aggregate's state, now or as it was.
    Show(Show),
    /// The hash chain over the log.
    #[command(subcommand)]
    Chain(Chain),
    /// Events that a projection could not apply, and reactions that a reactor could not do.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
}

impl Task {
    /// What it does with log and read models.
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
    /// A projection, `audit` (the index of the log), or `all`.
    pub(crate) projection: Which,
    /// Build only; the next rebuild without this goes on from there and swaps.
    #[arg(long)]
    pub(crate) no_swap: bool,
    /// How many parts work at a time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,
    /// At most so many events a second, to leave the server room.
    #[arg(long)]
    pub(crate) max_rate: Option<u32>,
}

#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// A projection, `audit` (the index of the log), or `all`.
    pub(crate) projection: Which,
}

/// Some projections, and perhaps the audit index.
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
            .map_err(|error| format!("{error}: there are {}, {} and all", names(), audit::NAME))
    }
}

#[derive(Args, Debug)]
pub(crate) struct Filter {
    /// Only of this type, such as `message.sent`, or of a family, such as `message`; may be given again.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<String>,
    /// Only of this scope: a conversation, a pair, a user.
    #[arg(long)]
    pub(crate) scope: Option<Uuid>,
    /// Only what this user did.
    #[arg(long)]
    pub(crate) actor: Option<Uuid>,
    /// From this position or time (RFC 3339) on.
    #[arg(long)]
    pub(crate) from: Option<Moment>,
    /// Up to and including this position or time.
    #[arg(long)]
    pub(crate) to: Option<Moment>,
    /// How to print them.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Print what people wrote in the clear, instead of sealed as it is stored.
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A line each, for people.
    #[default]
    Table,
    /// A JSON document a line, with all that is stored.
    Ndjson,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// user, session, friendship, conversation, message, read_marker, call or audit.
    #[arg(value_parser = aggregate)]
    pub(crate) aggregate: AggregateType,
    /// Its id.
    pub(crate) id: Uuid,
    /// As it was at this position or time (RFC 3339).
    #[arg(long)]
    pub(crate) at: Option<Moment>,
}

fn aggregate(name: &str) -> Result<AggregateType, String> {
    let names = || AggregateType::ALL.map(AggregateType::as_str).join(", ");
    AggregateType::parse(name).ok_or_else(|| format!("there are {}", names()))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Chain {
    /// Computes every digest and the whole chain again, and compares.
    Verify {
        /// A head noted earlier (`chain head`, or `GET /admin/audit/head`): the log must still contain it, and
        /// CHATCHIT_AUDIT_KEY must have signed it.
        #[arg(long, value_name = "HEAD.json")]
        against: Option<PathBuf>,
    },
    /// Prints the log's head as JSON, signed with CHATCHIT_AUDIT_KEY, to be kept elsewhere.
    Head,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// Lists them, oldest first.
    List,
    /// Applies a poisonous event again, whether it waits for a retry or was given up, and those of its stream behind it. A
    /// reaction is tried again by the server, within seconds.
    Retry {
        /// `<projection>:<position>` or `reactor.<name>:<position>`, as listed; `all` for every poisonous event.
        id: Letter,
    },
    /// Gives a poisonous event up for good, and applies those that wait behind it; or a reaction.
    Discard {
        /// `<projection>:<position>` or `reactor.<name>:<position>`, as listed.
        id: Named,
    },
}

/// One dead letter, or all poisonous events.
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
