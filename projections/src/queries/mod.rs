//! What people read: one file per resource. A page costs a few statements, however many rows it has.
//!
//! Lists are newest first unless said, in pages: an opaque token names the row after which the next page begins.

mod calls;
mod circle;
mod conversations;
mod details;
mod friendships;
mod markers;
mod members;
mod messages;
mod page;
mod passed;
mod receipts;
mod relations;
mod sessions;
mod users;

pub use calls::{CallPersonRow, CallRow, PresentRow, RingingRow};
pub use conversations::{ConversationRow, Membership};
pub use details::{AttachmentRow, ReactionRow};
pub use friendships::{FriendshipRow, RequestDirection};
pub use members::{MemberFilter, MemberRow};
pub use messages::{MessageRow, MessageStatus, MessageWindow};
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, Page, PageRequest};
pub use passed::PassedRow;
pub use receipts::ReceiptRow;
pub use relations::{MembershipRow, RelationRow};
pub use sessions::SessionRow;
pub use users::{PersonRow, UserRow};

use sql::Database;
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
}

/// The ids, repeated up to the next power of two: so that the statements with an `IN (…)` are few, and prepared
/// ones are used again.
pub(crate) fn padded(ids: &[Uuid]) -> Vec<Uuid> {
    let Some(last) = ids.last() else { return Vec::new() };
    let mut padded = ids.to_vec();
    padded.resize(ids.len().next_power_of_two(), *last);
    padded
}
