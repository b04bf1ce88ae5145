//! The projections: which events each takes, which tables it owns (I13), and the code that writes them.
//!
//! The code runs in two places, live and shadow; it knows neither. See `docs/adr/0006-one-projection-code-two-places.md`.

use crate::{
    ApplyError, calls, conversations, files, friendships, messages, own_settings, read_markers, reports,
    schema::{self, Table},
    stories, users,
};
use domain::{AggregateType, Event};
use event_store::Record;
use sql::Transaction;
use std::{fmt, str::FromStr};

/// A recorded event and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Opened<'e> {
    /// What is stored.
    pub record: &'e Record,
    /// What it says.
    pub event: &'e Event,
}

/// A projection. The order of the variants is the order in which they write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Projection {
    /// Accounts and sessions.
    Users,
    /// Friendships, requests and blocks.
    Friendships,
    /// Conversations and their members.
    Conversations,
    /// Messages, attachments, reactions.
    Messages,
    /// What was read and delivered.
    ReadMarkers,
    /// Calls, and how people stand to them.
    Calls,
    /// How people keep their conversations.
    OwnSettings,
    /// Uploaded files.
    Files,
    /// Stories, with likes, views and comments.
    Stories,
    /// Reports to the moderators.
    Reports,
}

/// No projection has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no projection {0:?}")]
pub struct UnknownProjection(String);

impl Projection {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Users,
        Self::Friendships,
        Self::Conversations,
        Self::Messages,
        Self::ReadMarkers,
        Self::Calls,
        Self::OwnSettings,
        Self::Files,
        Self::Stories,
        Self::Reports,
    ];

    /// The name under which its checkpoints stand.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Friendships => "friendships",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::ReadMarkers => "read_markers",
            Self::Calls => "calls",
            Self::OwnSettings => "own_settings",
            Self::Files => "files",
            Self::Stories => "stories",
            Self::Reports => "reports",
        }
    }

    /// The version of its code. Raised whenever the same events would give other rows: the tables are then
    /// emptied and filled from the log's beginning.
    #[must_use]
    pub const fn version(self) -> u32 {
        match self {
            Self::Users | Self::Conversations | Self::Messages | Self::ReadMarkers => 2,
            Self::Friendships | Self::Calls | Self::OwnSettings | Self::Files | Self::Stories | Self::Reports => 1,
        }
    }

    /// The tables it owns.
    #[must_use]
    pub const fn tables(self) -> &'static [Table] {
        match self {
            Self::Users => schema::USERS,
            Self::Friendships => schema::FRIENDSHIPS,
            Self::Conversations => schema::CONVERSATIONS,
            Self::Messages => schema::MESSAGES,
            Self::ReadMarkers => schema::READ_MARKERS,
            Self::Calls => schema::CALLS,
            Self::OwnSettings => schema::OWN_SETTINGS,
            Self::Files => schema::FILES,
            Self::Stories => schema::STORIES,
            Self::Reports => schema::REPORTS,
        }
    }

    /// Whether it takes events of the aggregate with this stored name. One whose aggregate this build does not
    /// know is taken by none: a newer build's projection takes it.
    #[must_use]
    pub fn takes(self, aggregate: &str) -> bool {
        match AggregateType::parse(aggregate) {
            Some(AggregateType::User | AggregateType::Session) => self == Self::Users,
            Some(AggregateType::Friendship) => self == Self::Friendships,
            Some(AggregateType::Conversation) => self == Self::Conversations,
            Some(AggregateType::Message) => self == Self::Messages,
            Some(AggregateType::ReadMarker) => self == Self::ReadMarkers,
            Some(AggregateType::Call) => self == Self::Calls,
            Some(AggregateType::OwnSettings) => self == Self::OwnSettings,
            Some(AggregateType::File) => self == Self::Files,
            Some(AggregateType::Story) => self == Self::Stories,
            Some(AggregateType::Report) => self == Self::Reports,
            // For the audit alone.
            Some(AggregateType::Conduct | AggregateType::Administration | AggregateType::Audit) | None => false,
        }
    }

    /// Writes what follows from `events`, which come in an order that keeps I12. Events of other aggregates are
    /// passed over.
    ///
    /// # Errors
    /// [`ApplyError`]; the transaction is then good for nothing but a rollback (to a savepoint).
    pub async fn apply(self, tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
        match self {
            Self::Users => users::apply(tx, events).await,
            Self::Friendships => friendships::apply(tx, events).await,
            Self::Conversations => conversations::apply(tx, events).await,
            Self::Messages => messages::apply(tx, events).await,
            Self::ReadMarkers => read_markers::apply(tx, events).await,
            Self::Calls => calls::apply(tx, events).await,
            Self::OwnSettings => own_settings::apply(tx, events).await,
            Self::Files => files::apply(tx, events).await,
            Self::Stories => stories::apply(tx, events).await,
            Self::Reports => reports::apply(tx, events).await,
        }
    }
}

impl fmt::Display for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Projection {
    type Err = UnknownProjection;
    fn from_str(name: &str) -> Result<Self, UnknownProjection> {
        let found = Self::ALL.into_iter().find(|projection| projection.name() == name);
        found.ok_or_else(|| UnknownProjection(name.to_owned()))
    }
}
