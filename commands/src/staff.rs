//! Those who watch over the server: moderators and administrators.

use crate::{CommandError, facts::Facts};
use domain::{RefusalKind, UserId, user::Role};

impl Facts<'_> {
    /// Who acts, with their role, which is `least` or more.
    pub(crate) async fn staff(&mut self, least: Role) -> Result<(UserId, Role), CommandError> {
        let (by, account) = self.actor_and_account().await?;
        let role = account.state.role();
        if role >= least { Ok((by, role)) } else { Err(not_staff(least)) }
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
