//! A moderator decides on a report.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    EventType, ReportId,
    report::{Report, ReportCommand},
    text::RejectedReason,
    user::Role,
};
use event_store::{Claim, ClaimChange, ClaimKind};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// The report was right, and the moderator has acted.
    Resolved,
    /// Nothing is to be done, with an optional reason.
    Rejected(Option<RejectedReason>),
}

#[derive(Serialize)]
struct DecideReport {
    report: ReportId,
    verdict: Verdict,
}

impl UseCase for DecideReport {
    type Aggregate = Report;
    const NAME: &'static str = "report.decide";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("report.resolved"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Report>, CommandError> {
        let (by, _) = facts.staff(Role::Moderator).await?;
        let before = facts.get::<Report>(self.report).await?;
        let was_pending = before.state.is_pending();
        let command = match &self.verdict {
            Verdict::Resolved => ReportCommand::Resolve { by },
            Verdict::Rejected(reason) => ReportCommand::Reject { by, reason: reason.clone() },
        };
        let decided = facts.decide_on(self.report, before, command)?;
        if let Some(filed) = decided.state.filed().filter(|_| was_pending) {
            let hash = facts.open_report_hash(filed.reporter, &filed.target);
            let change = ClaimChange::Release;
            facts.claims.push(Claim { kind: ClaimKind::OpenReport, hash, change, owner: self.report.0 });
        }
        Ok(decided)
    }
}

impl Commands {
    /// Decides on a report, as a moderator who neither filed it nor is accused in it.
    ///
    /// # Errors
    /// [`CommandError`]; `moderator_only`, `own_case`, `report_decided` after a different decision.
    pub async fn decide_report(
        &self,
        ctx: &Context,
        report: ReportId,
        verdict: Verdict,
    ) -> Result<Done<Report>, CommandError> {
        self.act(ctx, &DecideReport { report, verdict }).await
    }
}
