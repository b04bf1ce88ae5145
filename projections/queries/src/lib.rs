//! Queries on the read models: one file per resource. A page costs a fixed number of statements, whatever its number of
//! rows.
//!
//! Lists are newest first unless documented otherwise. An opaque token names the row after which the next page begins.

#![expect(missing_docs, reason = "a field is documented where its unit, range or absence surprises")]

mod accounts;
mod calls;
mod circle;
mod conversations;
mod details;
mod files;
mod friendships;
mod invites;
mod markers;
mod members;
mod messages;
mod own;
mod own_settings;
mod page;
mod passed;
mod receipts;
mod relations;
mod reports;
mod search;
mod server_totals;
mod sessions;
mod stories;
mod suggestions;
mod terms;
mod users;
mod watched;

pub use accounts::AccountFilter;
pub use calls::{CallPersonRow, CallRow, PresentRow, RingingRow};
pub use conversations::{ConversationRow, Membership};
pub use details::{AttachmentRow, ReactionRow};
pub use files::{AgedFileRow, CollectedFileRow, FileRow};
pub use friendships::{FriendshipRow, RequestDirection};
pub use invites::InviteRow;
pub use members::{MemberFilter, MemberRow};
pub use messages::{LAST_EXAMINED, MessageRow, MessageStatus, MessageWindow};
pub use own::{OwnConversationRow, OwnMarkerRow, OwnMessageRow, OwnReactionRow, OwnSessionRow};
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, PAGE_BYTES, Page, PageKey, PageRequest, cut_by_bytes};
pub use passed::PassedMarkerRow;
pub use receipts::ReceiptRow;
pub use relations::{MembershipRow, RelationRow};
pub use reports::ReportRow;
pub use search::{FoundMessage, MessageSearch, stale_words};
pub use server_totals::ServerTotals;
pub use sessions::SessionRow;
pub use stories::{CommentRow, DueRow, StoryRow};
pub use suggestions::{FRIENDS_EXAMINED, FRIENDS_OF_FRIENDS_EXAMINED, SuggestionRow};
pub use terms::Highlight;
pub use users::{PersonRow, UserRow};
pub use watched::{ConversationFilter, ConversationSummaryRow};

use sql::{Database, query};
use uuid::Uuid;

/// Runs queries on the read models for one viewer. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Queries {
    database: Database,
}

/// Why a query failed.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The row does not exist, or the viewer may not see it.
    #[error("not found")]
    NotFound,
    /// The page token was not issued for this list and person.
    #[error("this page token is not one that was given out")]
    BadToken,
    /// The read models are unavailable or rejected the statement.
    #[error(transparent)]
    Sql(#[from] sql::Error),
}

impl Queries {
    /// How many connections to the read models are open, and how many of these are idle.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        self.database.connections()
    }

    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Fails unless the read models answer.
    ///
    /// # Errors
    /// If they do not answer.
    pub async fn answer(&self) -> Result<(), QueryError> {
        self.database.fetch_optional(query("SELECT 1")).await.map(drop).map_err(Into::into)
    }
}

/// The ids, repeated up to the next power of two, so that the statements with an `IN (…)` are few and their plans are
/// reused.
#[must_use]
pub fn padded(ids: &[Uuid]) -> Vec<Uuid> {
    let Some(last) = ids.last() else { return Vec::new() };
    let mut padded = ids.to_vec();
    padded.resize(ids.len().next_power_of_two(), *last);
    padded
}
