//! Authorization of moderators and administrators.

use crate::{
    CommandError,
    engine::{Facts, refused},
};
use domain::{RefusalKind, UserId, report::ReportError, user::Role};
use event_store::ClaimKind;
use uuid::Uuid;

impl Facts<'_> {
    /// The actor and their role; refused below `least`.
    pub(crate) async fn staff(&mut self, least: Role) -> Result<(UserId, Role), CommandError> {
        let (by, account) = self.actor_and_account().await?;
        let role = account.state.role();
        if role >= least { Ok((by, role)) } else { Err(not_staff(least)) }
    }
}

impl Facts<'_> {
    /// Refuses while `by` has an open report of their own on the target.
    pub(crate) async fn require_impartiality(&self, by: UserId, kind: &str, id: Uuid) -> Result<(), CommandError> {
        let hash = self.report_hash(by, kind, id);
        match self.store().claimed_by(ClaimKind::OpenReport, &hash).await? {
            Some(_) => Err(refused(ReportError::OwnCase)),
            None => Ok(()),
        }
    }
}

fn not_staff(least: Role) -> CommandError {
    let (code, detail) = match least {
        Role::User | Role::Moderator => ("moderator_only", "only a moderator may do this"),
        Role::Admin => ("admin_only", "only an administrator may do this"),
    };
    CommandError::Refused { kind: RefusalKind::Forbidden, code, detail: detail.to_owned(), field: None, about: None }
}
