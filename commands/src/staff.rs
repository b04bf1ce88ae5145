//! Those who watch over the server: moderators and administrators.

use crate::{CommandError, error::refused, facts::Facts};
use domain::{RefusalKind, UserId, report::ReportError, user::Role};
use event_store::ClaimKind;
use uuid::Uuid;

impl Facts<'_> {
    /// Who acts, with their role, which is `least` or more.
    pub(crate) async fn staff(&mut self, least: Role) -> Result<(UserId, Role), CommandError> {
        let (by, account) = self.actor_and_account().await?;
        let role = account.state.role();
        if role >= least { Ok((by, role)) } else { Err(not_staff(least)) }
    }
}

impl Facts<'_> {
    /// That `by` has no open report of their own about this: who complains does not judge.
    pub(crate) async fn is_no_party(&self, by: UserId, kind: &str, id: Uuid) -> Result<(), CommandError> {
        let hash = self.report_hash(by, kind, id);
        match self.store().claimed_by(ClaimKind::OpenReport, &hash).await? {
            Some(_) => Err(refused(ReportError::OwnCase)),
            None => Ok(()),
        }
    }
}

/// The refusal of somebody whose role is less than `least`.
fn not_staff(least: Role) -> CommandError {
    let (code, detail) = match least {
        Role::User | Role::Moderator => ("moderator_only", "only a moderator may do this"),
        Role::Admin => ("admin_only", "only an administrator may do this"),
    };
    CommandError::Refused { kind: RefusalKind::Forbidden, code, detail: detail.to_owned(), field: None }
}
