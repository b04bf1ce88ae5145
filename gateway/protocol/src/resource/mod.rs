//! The resources of the protocol, as an answer has them: with what depends on who asks.

mod administration;
mod call;
mod conversation;
mod file;
mod found;
mod friendship;
mod html;
mod invite;
mod message;
mod or_id;
mod presence;
mod report;
mod session;
mod story;
mod user;

pub use administration::{
    AccountCounts, ConversationCounts, Dashboard, DeadLetter, MessageCounts, ProjectionLag, ProjectionState,
    RebuildState, WatchedConversation,
};
pub use call::{Call, Participant};
pub use conversation::{Conversation, Member, MyMembership, Receipt};
pub use file::{File, FileLink, Uploaded};
pub use found::{FoundMessage, Highlight};
pub use friendship::{Direction, Friendship, FriendshipStatus, Suggestion};
pub use invite::Invite;
pub use message::{Attachment, Message, MessageReceipt, MessageStatus, Reaction};
pub use or_id::{OrId, Stored};
pub use presence::{Presence, Status, VisiblePresence};
pub use report::{ModeratedReport, Report, ReportEvidence, ReportTarget};
pub use session::{Session, SignedIn};
pub use story::{Comment, Story};
pub use user::{OwnUser, Person, User};

use projections::queries::Page;
use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Send it as `after` to get the next page; null when this is the last.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// A list that has one page.
    #[must_use]
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// The page with each of its rows made a resource.
    pub fn of<R>(page: Page<R>) -> Self
    where
        T: From<R>,
    {
        Self { items: page.items.into_iter().map(Into::into).collect(), next: page.next }
    }
}
