//! An administrator reads the audit log: recorded before they are answered.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    Tier,
    audit::{AuditReading, Question, ReadAudit},
};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Reading {
    what: Question,
    filters: BTreeMap<String, String>,
}

impl UseCase for Reading {
    type Aggregate = AuditReading;
    const NAME: &'static str = "audit.read";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<AuditReading>, CommandError> {
        let (by, account) = facts.actor_and_account().await?;
        let id = facts.new_id();
        let before = facts.presume_new(id).await?;
        let (role, filters) = (account.state.role(), self.filters.clone());
        facts.decide_on(id, before, ReadAudit { by, role, what: self.what, filters })
    }
}

impl Commands {
    /// Records that the actor reads the audit log; who is no administrator may not. What cannot be recorded must not
    /// be answered.
    ///
    /// # Errors
    /// [`CommandError`]; `admin_only`.
    pub async fn read_audit(
        &self,
        ctx: &Context,
        what: Question,
        filters: BTreeMap<String, String>,
    ) -> Result<Done<AuditReading>, CommandError> {
        self.act(ctx, &Reading { what, filters }).await
    }
}
