//! What administrators see of the server itself.

use domain::{ConversationId, Timestamp, UserId, conversation::Joining};
use event_store::ParkedReaction;
use projections::{Parked, queries::ConversationSummaryRow, rebuilds::RebuildRow};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// How much there is of everything, and how far the read models have come.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// When this was so.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Accounts.
    pub accounts: AccountCounts,
    /// How many people have a socket; without Redis, a socket of the process that answers. Null while that is not known.
    pub online: Option<u64>,
    /// Conversations that are not over.
    pub conversations: ConversationCounts,
    /// Messages.
    pub messages: MessageCounts,
    /// Reports that wait for a moderator.
    pub open_reports: u64,
    /// Events that could not be applied to a read model, those behind them, and reactions that could not be done.
    pub dead_letters: u64,
    /// The position of the newest event.
    pub head_position: u64,
    /// How far each projection has come.
    pub projections: Vec<ProjectionLag>,
}

/// How many accounts there are.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct AccountCounts {
    /// All.
    pub total: u64,
    /// Of them, stopped from acting.
    pub blocked: u64,
    /// Of them, moderators.
    pub moderators: u64,
    /// Of them, administrators.
    pub admins: u64,
}

/// How many conversations there are.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ConversationCounts {
    /// All.
    pub total: u64,
    /// Of them, of two people.
    pub direct: u64,
    /// Of them, groups.
    pub groups: u64,
}

/// How many messages there are.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct MessageCounts {
    /// Ever sent, the removed ones included.
    pub total: u64,
    /// Sent since midnight, UTC.
    pub today: u64,
}

/// How far a projection has come.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProjectionLag {
    /// Its name.
    pub name: &'static str,
    /// How many events it may have to apply yet.
    pub lag: u64,
}

/// A projection.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectionState {
    /// Its name.
    pub name: &'static str,
    /// The version of its code.
    pub version: u32,
    /// How many events it may have to apply yet.
    pub lag: u64,
    /// How many events it could not apply, those behind them included.
    pub dead_letters: u64,
    /// Its last rebuild that a server began.
    pub rebuild: Option<RebuildState>,
}

/// How a rebuild goes, or went.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RebuildState {
    /// `running`, `done` or `failed`.
    #[schema(example = "running")]
    pub state: String,
    /// How many events were read so far.
    pub events: u64,
    /// How many there were when it began.
    pub total: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

/// An event that could not be applied to a read model, or to which a reactor could not react.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Its name: the projection or reactor, and the position.
    #[schema(example = "messages:4711")]
    pub id: String,
    /// Which projection could not apply it; of a reactor its name behind `reactor.`.
    pub projection: String,
    /// Its position.
    pub position: u64,
    /// The aggregate of its stream.
    pub aggregate_type: String,
    /// The stream.
    pub aggregate_id: Uuid,
    /// What kind of event.
    #[serde(rename = "type")]
    pub event_type: String,
    /// `waiting` (it is tried again by itself), `given_up` (another version of the server tries it again), `unreadable` (a
    /// newer version wrote it, and one that can read it tries it again), or `behind` an earlier one of its stream.
    #[schema(example = "given_up")]
    pub state: &'static str,
    /// What was wrong; empty for one that is merely behind.
    pub error: String,
    /// How often it was tried.
    pub attempts: u64,
    /// Since when it lies here.
    #[schema(value_type = String, format = DateTime)]
    pub parked_at: Timestamp,
    /// When it is tried again by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retry_at: Option<Timestamp>,
}

impl DeadLetter {
    /// What it weighs in a page, in bytes, about.
    #[must_use]
    pub const fn weight(&self) -> usize {
        512 + self.error.len()
    }
}

/// A conversation, from outside: what it is, and nothing of what is said in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WatchedConversation {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: ConversationId,
    /// `direct` or `group`.
    #[serde(rename = "type")]
    #[schema(example = "group")]
    pub conversation_type: String,
    /// A group's title.
    pub title: Option<String>,
    /// A group's picture.
    pub avatar_url: Option<String>,
    /// How people come in by themselves: `invite`, `approval` or `open`.
    #[schema(example = "invite")]
    pub joining: String,
    /// Whether `joining` is `approval`.
    pub approval: bool,
    /// The user who created it.
    #[schema(value_type = Uuid)]
    pub created_by: UserId,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Number of members.
    pub member_count: u64,
    /// How many messages were ever sent in it.
    pub message_count: u64,
    /// When the newest message was sent; without one, when it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub last_activity: Timestamp,
}

impl From<ConversationSummaryRow> for WatchedConversation {
    fn from(row: ConversationSummaryRow) -> Self {
        Self {
            id: row.id,
            conversation_type: row.conversation_type,
            title: row.title,
            avatar_url: row.avatar_url,
            approval: row.joining == Joining::Approval.as_str(),
            joining: row.joining,
            created_by: row.created_by,
            created_at: row.created_at,
            member_count: row.member_count,
            message_count: row.message_count,
            last_activity: row.last_activity,
        }
    }
}

impl From<RebuildRow> for RebuildState {
    fn from(row: RebuildRow) -> Self {
        let RebuildRow { state, events, total, error, started_at, finished_at, .. } = row;
        Self { state, events, total, error, started_at, finished_at }
    }
}

impl From<Parked> for DeadLetter {
    fn from(parked: Parked) -> Self {
        Self {
            id: parked.id.to_string(),
            projection: parked.id.projection.name().to_owned(),
            position: parked.id.position,
            aggregate_type: parked.aggregate_type,
            aggregate_id: parked.aggregate_id,
            event_type: parked.event_type,
            state: parked.state.as_str(),
            error: parked.error,
            attempts: parked.attempts,
            parked_at: parked.parked_at,
            retry_at: parked.retry_at,
        }
    }
}

impl From<ParkedReaction> for DeadLetter {
    fn from(parked: ParkedReaction) -> Self {
        Self {
            id: parked.id.to_string(),
            projection: format!("reactor.{}", parked.id.reactor),
            position: parked.id.position,
            state: parked.state(),
            aggregate_type: parked.aggregate_type,
            aggregate_id: parked.aggregate_id,
            event_type: parked.event_type,
            error: parked.error,
            attempts: parked.attempts,
            parked_at: parked.parked_at,
            retry_at: parked.retry_at,
        }
    }
}
