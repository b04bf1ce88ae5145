//! An administrator blocks or unblocks an account, or changes its role.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, Versioned, refused},
};
use domain::{
    RefusalKind, UserId,
    user::{Role, User, UserCommand, UserError},
};
use serde::Serialize;

/// `None` keeps the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountChange {
    pub is_blocked: Option<bool>,
    pub role: Option<Role>,
}

#[derive(Serialize)]
struct ChangeAccount {
    user: UserId,
    change: AccountChange,
}

impl UseCase for ChangeAccount {
    type Aggregate = User;
    const NAME: &'static str = "account.change";

    /// Administrators cannot change themselves, and both accounts are guarded. So the actor is an active administrator
    /// at the time of the append, and at least one remains.
    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        let (by, _) = facts.staff(Role::Admin).await?;
        if by == self.user {
            return Err(CommandError::Refused {
                kind: RefusalKind::Forbidden,
                code: "not_oneself",
                detail: "administrators do this to others, not to themselves".to_owned(),
                field: None,
                about: None,
            });
        }
        if self.change.role == Some(Role::Admin) {
            facts.take_bootstrap(by).await?;
        }
        facts.require_impartiality(by, "user", self.user.0).await?;
        let before = facts.get::<User>(self.user).await?;
        let mut version = before.version;
        let mut decided = Decided { id: self.user.0, state: before.state };
        let block = |blocked| if blocked { UserCommand::Block } else { UserCommand::Unblock };
        let role = self.change.role.map(|role| UserCommand::SetRole { role });
        for command in self.change.is_blocked.map(block).into_iter().chain(role) {
            let known = facts.events.len();
            decided = facts.decide_on(self.user, Versioned { version, state: decided.state }, command)?;
            version += (facts.events.len() - known) as u64;
        }
        if decided.state.exists() { Ok(decided) } else { Err(refused(UserError::NotFound)) }
    }
}

impl Commands {
    /// Blocks or unblocks another account, or changes its role; administrators only.
    ///
    /// # Errors
    /// [`CommandError`]; `admin_only`, `not_oneself`, `own_case` while the actor has an open report on the account.
    pub async fn change_account(
        &self,
        ctx: &Context,
        user: UserId,
        change: AccountChange,
    ) -> Result<Done<User>, CommandError> {
        self.act(ctx, &ChangeAccount { user, change }).await
    }

    /// Blocks or unblocks an account.
    ///
    /// # Errors
    /// As [`Commands::change_account`].
    pub async fn block_account(&self, ctx: &Context, user: UserId, blocked: bool) -> Result<Done<User>, CommandError> {
        self.change_account(ctx, user, AccountChange { is_blocked: Some(blocked), role: None }).await
    }
}
