//! What people read: one file per resource. A page costs a few statements, however many rows it has.
//!
//! Lists are newest first unless said, in pages: an opaque token names the row after which the next page begins.

mod accounts;
mod calls;
mod circle;
mod conversations;
mod counts;
mod dead_letters;
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
mod sessions;
mod stories;
mod suggestions;
mod terms;
mod users;
mod watched;

pub use accounts::AccountFilter;
pub use calls::{CallPersonRow, CallRow, PresentRow, RingingRow};
pub use conversations::{ConversationRow, LAST_LOOKED_AT, Membership};
pub use counts::Counts;
pub use details::{AttachmentRow, ReactionRow};
pub use files::{AgedFileRow, CollectedFileRow, FileRow};
pub use friendships::{FriendshipRow, RequestDirection};
pub use invites::InviteRow;
pub use members::{MemberFilter, MemberRow};
pub use messages::{MessageRow, MessageStatus, MessageWindow};
pub use own::{OwnConversationRow, OwnMarkerRow, OwnMessageRow, OwnReactionRow, OwnSessionRow};
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, PAGE_BYTES, Page, PageKey, PageRequest};
pub use passed::PassedRow;
pub use receipts::ReceiptRow;
pub use relations::{MembershipRow, RelationRow};
pub use reports::ReportRow;
pub use search::{FoundMessage, MessageSearch};
pub use sessions::SessionRow;
pub use stories::{CommentRow, DueRow, StoryRow};
pub use suggestions::{FRIENDS_LOOKED_AT, SuggestionRow, THEIRS_LOOKED_AT};
pub use terms::Highlight;
pub use users::{PersonRow, UserRow};
pub use watched::{WatchedFilter, WatchedRow};

use sql::{Database, query};
use uuid::Uuid;

/// Answers questions from the read models. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Queries {
    database: Database,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// It does not exist, or not for this viewer.
    #[error("not found")]
    NotFound,
    /// The page token is not one of ours.
    #[error("this page token is not one that was given out")]
    BadToken,
    /// The read models are away, or refused the statement.
    #[error(transparent)]
    Sql(#[from] sql::Error),
}

impl Queries {
    /// Answers from these read models.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Whether the read models answer at all.
    ///
    /// # Errors
    /// When they are away.
    pub async fn answer(&self) -> Result<(), QueryError> {
        self.database.fetch_optional(query("SELECT 1")).await.map(drop).map_err(Into::into)
    }
}

/// The ids, repeated up to the next power of two: so that the statements with an `IN (…)` are few, and prepared
/// ones are used again.
pub(crate) fn padded(ids: &[Uuid]) -> Vec<Uuid> {
    let Some(last) = ids.last() else { return Vec::new() };
    let mut padded = ids.to_vec();
    padded.resize(ids.len().next_power_of_two(), *last);
    padded
}
