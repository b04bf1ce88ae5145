//! Reports: made by anybody, decided by moderators.

use super::{Answer, Call};
use crate::{
    Problem,
    request::{Faults, Parse},
    resource::{ModeratedReport, Report},
};
use axum::http::StatusCode;
use commands::{FileReport, Reported, Verdict};
use domain::{
    ReportId,
    text::{Notes, Reason},
};
use projections::queries::ReportRow;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A report to make: exactly one of the three ids is to be there.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewReport {
    /// What is reported.
    #[schema(ignore)]
    pub reported: Reported,
    /// A person.
    pub user_id: Option<Uuid>,
    /// A message that one can see.
    pub message_id: Option<Uuid>,
    /// A story that one can see.
    pub story_id: Option<Uuid>,
    /// What is wrong, in a word or two: 1 to 200 bytes.
    #[schema(value_type = String)]
    pub reason: Reason,
    /// More of it, at most 2 KiB.
    #[schema(value_type = Option<String>)]
    pub notes: Option<Notes>,
}

impl Parse for NewReport {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let [user_id, message_id, story_id] =
            ["userId", "messageId", "storyId"].map(|name| object.optional::<Uuid>(name));
        let reported = match (user_id, message_id, story_id) {
            (Some(user), None, None) => Some(Reported::User(user.into())),
            (None, Some(message), None) => Some(Reported::Message(message.into())),
            (None, None, Some(story)) => Some(Reported::Story(story.into())),
            (None, None, None) => object.fault("userId", "required", "userId, messageId or storyId is required"),
            _ => object.fault("userId", "ambiguous", "only one of userId, messageId and storyId can be given"),
        };
        let (reason, notes) = (object.required("reason"), object.optional("notes"));
        Some(Self { reported: reported?, user_id, message_id, story_id, reason: reason?, notes })
    }
}

/// What a moderator decides.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewVerdict {
    /// `RESOLVED` (it was right; whatever had to be done is done) or `REJECTED`.
    #[schema(value_type = String, example = "RESOLVED")]
    pub status: Decision,
    /// Why it is rejected: told to who made it; at most 2 KiB.
    #[schema(value_type = Option<String>)]
    pub rejected_reason: Option<Notes>,
}

/// How a moderator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It was right.
    Resolved,
    /// Nothing is to be done.
    Rejected,
}

impl Parse for Decision {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        match faults.text(value)? {
            "RESOLVED" => Some(Self::Resolved),
            "REJECTED" => Some(Self::Rejected),
            _ => faults.fault("unknown_word", "must be one of RESOLVED, REJECTED"),
        }
    }
}

impl Parse for NewVerdict {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let (status, rejected_reason) = (object.required("status"), object.optional("rejectedReason"));
        Some(Self { status: status?, rejected_reason })
    }
}

/// Reports what the caller can see.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn file_report(call: &Call<'_>, request: NewReport) -> Result<Answer, Problem> {
    let NewReport { reported, reason, notes, .. } = request;
    let request = FileReport { id: (call.app.ids)().into(), reported, reason, notes };
    let filed = call.app.commands.file_report(&call.context(), request).await?;
    let status = if filed.existed { StatusCode::OK } else { StatusCode::CREATED };
    let (done, id) = (&filed.done, ReportId(filed.done.id));
    call.shown::<Report, ReportRow>(status, &done.receipt, done.id, call.app.queries.report(id)).await
}

/// Decides on a report.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn decide_report(call: &Call<'_>, report: ReportId, request: NewVerdict) -> Result<Answer, Problem> {
    let verdict = match request.status {
        Decision::Resolved => Verdict::Resolved,
        Decision::Rejected => Verdict::Rejected(request.rejected_reason),
    };
    let done = call.app.commands.decide_report(&call.context(), report, verdict).await?;
    let row = call.app.queries.report(report);
    call.shown::<ModeratedReport, ReportRow>(StatusCode::OK, &done.receipt, done.id, row).await
}
