//! Reports. To its maker nothing of one depends on the viewer: pushes tell the same.

use super::Attachment;
use domain::{ConversationId, ReportId, Timestamp, UserId, report::Evidence};
use projections::queries::ReportRow;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A report, as who made it sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: ReportId,
    /// The user who reported.
    #[schema(value_type = Uuid)]
    pub reporter_id: UserId,
    /// What is reported.
    pub target: ReportTarget,
    /// The user responsible for it.
    #[schema(value_type = Uuid)]
    pub accused_id: UserId,
    /// What is wrong, in a word or two; null once forgotten.
    pub reason: Option<String>,
    /// More of it.
    pub notes: Option<String>,
    /// `PENDING`, `RESOLVED` or `REJECTED`.
    #[schema(example = "PENDING")]
    pub status: String,
    /// Why nothing is to be done, if a moderator said so.
    pub rejected_reason: Option<String>,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// What is reported: one of the three ids is there.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportTarget {
    /// `user`, `message` or `story`.
    #[serde(rename = "type")]
    #[schema(example = "message")]
    pub kind: String,
    /// A person.
    pub user_id: Option<Uuid>,
    /// A message.
    pub message_id: Option<Uuid>,
    /// Where the message was posted.
    pub conversation_id: Option<Uuid>,
    /// A story.
    pub story_id: Option<Uuid>,
}

/// A report, as moderators see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModeratedReport {
    /// What its maker sees.
    #[serde(flatten)]
    pub report: Report,
    /// What there was to be seen when it was made; null once the accused is forgotten.
    pub evidence: Option<ReportEvidence>,
    /// A keyed digest of the evidence, in hexadecimal digits: it stays when the evidence is forgotten.
    pub digest: String,
    /// When it was decided.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// The moderator who decided.
    #[schema(value_type = Option<Uuid>)]
    pub decided_by: Option<UserId>,
}

/// What there was to be seen: of a person their profile, of a message or story what it said.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportEvidence {
    /// A person's first name.
    pub first_name: Option<String>,
    /// Their last name.
    pub last_name: Option<String>,
    /// Their picture.
    pub avatar_url: Option<String>,
    /// `TEXT`, `IMAGE`, `FILE`, `VIDEO` or `CALL`, for a message.
    pub message_type: Option<String>,
    /// The text.
    pub content: Option<String>,
    /// What was attached to a message.
    pub attachments: Vec<Attachment>,
    /// The picture or film of a story.
    pub media_url: Option<String>,
}

impl ReportTarget {
    /// The target of this kind and id.
    #[must_use]
    pub fn of(kind: &str, id: Uuid, conversation: Option<ConversationId>) -> Self {
        let only = |wanted| (kind == wanted).then_some(id);
        Self {
            kind: kind.to_owned(),
            user_id: only("user"),
            message_id: only("message"),
            conversation_id: conversation.map(|conversation| conversation.0),
            story_id: only("story"),
        }
    }
}

impl From<ReportRow> for Report {
    fn from(row: ReportRow) -> Self {
        Self {
            id: row.id,
            reporter_id: row.reporter,
            target: ReportTarget::of(&row.target_kind, row.target, row.conversation),
            accused_id: row.accused,
            reason: row.reason,
            notes: row.notes,
            status: row.status,
            rejected_reason: row.rejected_reason,
            created_at: row.created_at,
        }
    }
}

impl From<ReportRow> for ModeratedReport {
    fn from(mut row: ReportRow) -> Self {
        let evidence = row.evidence.take().and_then(|evidence| serde_json::from_str::<Evidence>(&evidence).ok());
        Self {
            evidence: evidence.map(Into::into),
            digest: std::mem::take(&mut row.digest),
            decided_at: row.decided_at,
            decided_by: row.decided_by,
            report: row.into(),
        }
    }
}

impl From<Evidence> for ReportEvidence {
    fn from(evidence: Evidence) -> Self {
        match evidence {
            Evidence::User { first_name, last_name, avatar_url } => Self {
                first_name: Some(first_name),
                last_name: Some(last_name),
                avatar_url: avatar_url.map(Into::into),
                ..Self::default()
            },
            Evidence::Message { message_type, content } => Self {
                message_type: Some(message_type.as_str().to_owned()),
                content: Some(content.body.into()),
                attachments: content.attachments.iter().map(Into::into).collect(),
                ..Self::default()
            },
            Evidence::Story { content, media_url } => {
                Self { content: Some(content), media_url: media_url.map(Into::into), ..Self::default() }
            }
        }
    }
}
