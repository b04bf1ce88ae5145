//! A moderator decides on a report.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    ReportId, Tier,
    report::{Report, ReportCommand},
    text::Notes,
    user::Role,
};
use event_store::{Claim, ClaimChange, ClaimKind};
use serde::Serialize;

/// What a moderator decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// It was right; whatever had to be done is done.
    Resolved,
    /// Nothing is to be done; and why, if they say so.
    Rejected(Option<Notes>),
}

#[derive(Serialize)]
struct DecideReport {
    report: ReportId,
    verdict: Verdict,
}

impl UseCase for DecideReport {
    type Aggregate = Report;
    const NAME: &'static str = "report.decide";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

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
    /// Decides on a report; only a moderator may, and not on one that they filed or that is about them.
    ///
    /// # Errors
    /// [`CommandError`]; `moderator_only`, `own_case`, `report_decided` when it was decided otherwise.
    pub async fn decide_report(
        &self,
        ctx: &Context,
        report: ReportId,
        verdict: Verdict,
    ) -> Result<Done<Report>, CommandError> {
        self.act(ctx, &DecideReport { report, verdict }).await
    }
}
