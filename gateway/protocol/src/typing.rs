//! That somebody types.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Somebody types, or has stopped.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Typing {
    /// The conversation.
    pub conversation_id: Uuid,
    /// The user.
    pub user_id: Uuid,
    /// Whether they do.
    pub is_typing: bool,
}
