//! The projections: the events each takes, the tables it owns (I13), and the code that writes them.
//!
//! The code runs on two sets of tables, live and shadow, and knows neither. See
//! `docs/adr/0006-one-projection-code-two-places.md`.

mod calls;
mod conversations;
mod files;
#[cfg(test)]
mod fingerprints;
mod friendships;
mod invites;
pub(crate) mod message_words;
mod messages;
mod opened;
mod own_settings;
mod read_markers;
mod reports;
mod schema;
mod stories;
pub(crate) mod user_words;
mod users;

pub use opened::Opened;
pub use schema::{Key, Table, migrator};

use crate::ApplyError;
use domain::AggregateType;
use sql::Transaction;
use std::{fmt, str::FromStr};

/// A projection. The variants are in the order in which they write.
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
    /// Read and delivery markers, and receipts.
    ReadMarkers,
    /// Calls and their participants.
    Calls,
    /// Muted, archived and cleared conversations of each user.
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

    /// The name of its checkpoints.
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

    /// The version of its code. Raise it whenever the same events would give other rows; the tables are then emptied
    /// and filled from the beginning of the log. A test notices a change of the code (`fingerprints.rs`).
    #[must_use]
    pub const fn version(self) -> u32 {
        match self {
            // 2: words of names, for the search. 3: addresses are found by their canonical form (ADR 29).
            Self::Users => 3,
            // 2: whose title and picture are shown, for their erasure.
            Self::Conversations => 2,
            // 2: words of texts, for the search.
            Self::Messages => 2,
            // 2: receipts, and what of a marker others may see.
            Self::ReadMarkers => 2,
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

    /// Whether it takes events of the aggregate with this stored name. No projection takes an aggregate unknown to this
    /// build; a newer build's projection does.
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
            // Only in the audit index.
            Some(AggregateType::Conduct | AggregateType::Administration | AggregateType::Audit) | None => false,
        }
    }

    /// Writes the rows that follow from `events`, which come in an order that keeps I12. Skips events of other
    /// aggregates.
    ///
    /// # Errors
    /// [`ApplyError`]; the transaction must then be rolled back (to a savepoint).
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
