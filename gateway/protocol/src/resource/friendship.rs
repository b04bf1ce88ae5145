//! How two people stand.

use super::User;
use domain::Timestamp;
use projections::queries::{FriendshipRow, RequestDirection, SuggestionRow};
use serde::Serialize;
use utoipa::ToSchema;

/// How the viewer stands with somebody.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Friendship {
    /// The other one.
    pub user: User,
    /// How they stand.
    pub status: FriendshipStatus,
    /// Who asked, while it is pending.
    pub direction: Option<Direction>,
    /// Since when they stand so.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// How two people stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FriendshipStatus {
    /// Nothing between them.
    None,
    /// A request waits for an answer.
    Pending,
    /// Friends.
    Accepted,
    /// The viewer has blocked the other one.
    Blocked,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The other one.
    In,
    /// The viewer.
    Out,
}

/// Somebody the viewer may know.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// The user.
    pub user: User,
    /// How many friends the two share. Of somebody with very many friends, not all are looked at.
    pub mutual_count: u64,
}

impl From<SuggestionRow> for Suggestion {
    fn from(SuggestionRow { user, mutual }: SuggestionRow) -> Self {
        Self { user: user.into(), mutual_count: mutual }
    }
}

impl From<FriendshipRow> for Friendship {
    fn from(row: FriendshipRow) -> Self {
        let status = match row.status.as_str() {
            _ if row.blocked_by_me => FriendshipStatus::Blocked,
            "pending" => FriendshipStatus::Pending,
            "accepted" => FriendshipStatus::Accepted,
            _ => FriendshipStatus::None,
        };
        let direction =
            row.direction.filter(|_| status == FriendshipStatus::Pending).map(|direction| match direction {
                RequestDirection::In => Direction::In,
                RequestDirection::Out => Direction::Out,
            });
        Self { user: row.user.into(), status, direction, since: row.since }
    }
}
