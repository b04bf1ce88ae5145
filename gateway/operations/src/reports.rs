//! Reports by users, and decisions of moderators.

use super::{Answer, Operation, Request, Route};
use async_trait::async_trait;
use axum::http::StatusCode;
use commands::{Reported, Verdict};
use domain::{
    ReportId,
    text::{Notes, Reason, RejectedReason},
};
use limits::Kind;
use projections::queries::ReportRow;
use protocol::{
    Problem,
    request::{Faults, Parse},
    resource::{ModeratedReport, OrId, Report},
};
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
    /// What is wrong, in a word or two: at most 200 characters in one line.
    #[schema(value_type = String)]
    pub reason: Reason,
    /// More of it, at most 2,048 characters.
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
    /// Why it is rejected: sent to the report's maker; at most 2,048 characters in one line. Only with `REJECTED`.
    #[schema(value_type = Option<String>)]
    pub rejected_reason: Option<RejectedReason>,
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
        if status == Some(Decision::Resolved) && rejected_reason.is_some() {
            return object.fault("rejectedReason", "ambiguous", "is the reason of a rejection: status is RESOLVED");
        }
        Some(Self { status: status?, rejected_reason })
    }
}

/// Reports what the caller can see.
pub struct FileReport;

#[async_trait]
impl Operation for FileReport {
    const NAME: &'static str = "report.file";
    const SUMMARY: &'static str = "Reports a person, a message or a story that one can see. What there is to be seen is kept with the \
        report. The same again answers the first report while nobody has decided on it.";
    const BUDGET: Kind = Kind::Report;
    const ROUTE: Option<Route> = Some(
        Route::post("/reports", "createReport", "reports")
            .creates_or("one has reported it before, and nobody has decided yet"),
    );
    const ON_SOCKETS: bool = false;

    type Target = ();
    type Body = NewReport;
    type Output = OrId<Report>;

    async fn run(
        (): (),
        NewReport { reported, reason, notes, .. }: NewReport,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let new = commands::FileReport { id: (request.app.ids)().into(), reported, reason, notes };
        let filed = request.app.commands.file_report(&request.context(), new).await?;
        let status = if filed.existed { StatusCode::OK } else { StatusCode::CREATED };
        let (done, id) = (&filed.done, ReportId(filed.done.id));
        request.shown::<Report, ReportRow>(status, &done.receipt, done.id, request.app.queries.report(id)).await
    }
}

/// Decides on a report.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn decide_report(request: &Request<'_>, report: ReportId, verdict: NewVerdict) -> Result<Answer, Problem> {
    let verdict = match verdict.status {
        Decision::Resolved => Verdict::Resolved,
        Decision::Rejected => Verdict::Rejected(verdict.rejected_reason),
    };
    let done = request.app.commands.decide_report(&request.context(), report, verdict).await?;
    let row = request.app.queries.report(report);
    request.shown::<ModeratedReport, ReportRow>(StatusCode::OK, &done.receipt, done.id, row).await
}
