//! Calls. Nothing of one depends on the viewer: pushes tell the same.

use domain::{CallId, ConversationId, Timestamp, UserId, call::duration};
use projections::queries::CallRow;
use serde::Serialize;
use utoipa::ToSchema;

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: CallId,
    /// The conversation.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// `VOICE` or `VIDEO`.
    #[schema(example = "VIDEO")]
    pub call_type: String,
    /// The user who called.
    #[schema(value_type = Uuid)]
    pub caller_id: UserId,
    /// `RINGING`, `ONGOING`, `ENDED`, `MISSED` or `REFUSED`.
    #[schema(example = "ONGOING")]
    pub status: String,
    /// Who is or was in it, the caller included, in the order in which they first came.
    pub participants: Vec<Participant>,
    /// Whom it rings: those who were there when it began, and have neither answered nor refused.
    #[schema(value_type = Vec<Uuid>)]
    pub ringing: Vec<UserId>,
    /// Who refused, and has not come after all.
    #[schema(value_type = Vec<Uuid>)]
    pub refused: Vec<UserId>,
    /// When it began to ring.
    #[schema(value_type = String, format = DateTime)]
    pub ringing_at: Timestamp,
    /// When it was first answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Timestamp>,
    /// Time of its end.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// `cancelled`, `hung_up`, `refused`, `no_answer`, `connection_lost` or `removed`; null until it is over.
    pub end_reason: Option<String>,
    /// Seconds from the first answer to the end; 0 without either.
    pub duration: u64,
}

/// Somebody who is or was in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// The user.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// When they first came.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Timestamp,
    /// When they left; null while they are in it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub left_at: Option<Timestamp>,
}

impl Participant {
    /// In the order in which they came.
    #[must_use]
    pub fn in_order(mut participants: Vec<Self>) -> Vec<Self> {
        participants.sort_unstable_by_key(|participant| (participant.joined_at, participant.user_id));
        participants
    }
}

impl From<CallRow> for Call {
    fn from(row: CallRow) -> Self {
        let standing = |word: &str| {
            let people = row.people.iter().filter(|person| person.standing == word);
            people.map(|person| person.user).collect::<Vec<_>>()
        };
        let participants = row.people.iter().filter_map(|person| {
            let joined_at = person.joined_at?;
            Some(Participant { user_id: person.user, joined_at, left_at: person.left_at })
        });
        Self {
            id: row.id,
            conversation_id: row.conversation,
            participants: Participant::in_order(participants.collect()),
            ringing: standing("ringing"),
            refused: standing("refused"),
            call_type: row.call_type,
            caller_id: row.caller,
            status: row.status,
            ringing_at: row.ringing_at,
            answered_at: row.answered_at,
            ended_at: row.ended_at,
            end_reason: row.end_reason,
            duration: duration(row.answered_at, row.ended_at),
        }
    }
}
