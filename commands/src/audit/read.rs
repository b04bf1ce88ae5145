//! Records an administrator's reading of the audit log, before the answer.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    EventType,
    audit::{AuditReading, Question, ReadAudit},
};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct ReadAuditLog {
    what: Question,
    filters: BTreeMap<String, String>,
}

impl UseCase for ReadAuditLog {
    type Aggregate = AuditReading;
    const NAME: &'static str = "audit.read";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("audit.read"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<AuditReading>, CommandError> {
        let (by, account) = facts.actor_and_account().await?;
        let id = facts.new_id();
        let before = facts.presume_new(id).await?;
        let (role, filters) = (account.state.role(), self.filters.clone());
        facts.decide_on(id, before, ReadAudit { by, role, what: self.what, filters })
    }
}

impl Commands {
    /// Records that the actor, an administrator, reads the audit log. Without a record there must be no answer.
    ///
    /// # Errors
    /// [`CommandError`]; `admin_only`.
    pub async fn read_audit(
        &self,
        ctx: &Context,
        what: Question,
        filters: BTreeMap<String, String>,
    ) -> Result<Done<AuditReading>, CommandError> {
        self.act(ctx, &ReadAuditLog { what, filters }).await
    }
}
