//! Invites into groups.

use domain::{ConversationId, Timestamp, UserId, conversation, text::InviteCode};
use projections::queries::InviteRow;
use serde::Serialize;
use utoipa::ToSchema;

/// An invite into a group.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invite {
    /// Anybody who has it may join: share it only with those it is for.
    pub code: String,
    /// The conversation it leads to.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// The user who created it.
    #[schema(value_type = Uuid)]
    pub created_by: UserId,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// From when on it is good for nothing; null: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// How many may come by it; null: any number.
    pub max_uses: Option<u64>,
    /// How often it was used.
    pub uses: u64,
}

impl Invite {
    /// The invite as the write side knows it; `None` once its maker is forgotten.
    #[must_use]
    pub fn of(conversation_id: ConversationId, invite: &conversation::Invite) -> Option<Self> {
        Some(Self {
            code: invite.code.as_ref().map(InviteCode::to_string)?,
            conversation_id,
            created_by: invite.by,
            created_at: invite.made_at,
            expires_at: invite.expires_at,
            max_uses: invite.max_uses.map(|most| u64::from(most.get())),
            uses: u64::from(invite.uses),
        })
    }
}

impl From<InviteRow> for Invite {
    fn from(row: InviteRow) -> Self {
        let InviteRow { code, conversation, made_by, created_at, expires_at, max_uses, uses, .. } = row;
        Self { code, conversation_id: conversation, created_by: made_by, created_at, expires_at, max_uses, uses }
    }
}
