//! An administrator stops an account from acting, lets it act again, or gives it another role.

use crate::{
    CommandError, Commands, Context, Done,
    error::refused,
    execute::UseCase,
    facts::{Decided, Facts},
    state::Versioned,
};
use domain::{
    RefusalKind, UserId,
    user::{Role, User, UserCommand, UserError},
};
use serde::Serialize;

/// What is to change of an account; what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountChange {
    /// Whether it is stopped from acting.
    pub is_blocked: Option<bool>,
    /// Its role.
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

    /// Nobody does it to themselves, and both accounts' versions are guarded: so whoever does it is an administrator
    /// who may act when it is stored, and there always is one.
    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        let (by, _) = facts.staff(Role::Admin).await?;
        if by == self.user {
            return Err(CommandError::Refused {
                kind: RefusalKind::Forbidden,
                code: "not_oneself",
                detail: "administrators do this to others, not to themselves".to_owned(),
                field: None,
            });
        }
        facts.is_no_party(by, "user", self.user.0).await?;
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
    /// Changes what somebody else may do; only an administrator may.
    ///
    /// # Errors
    /// [`CommandError`]; `admin_only`, `not_oneself`, `own_case` for somebody on whom they have an open report.
    pub async fn change_account(
        &self,
        ctx: &Context,
        user: UserId,
        change: AccountChange,
    ) -> Result<Done<User>, CommandError> {
        self.act(ctx, &ChangeAccount { user, change }).await
    }

    /// Stops an account from acting (`blocked`), or lets it act again.
    ///
    /// # Errors
    /// As [`Commands::change_account`].
    pub async fn block_account(&self, ctx: &Context, user: UserId, blocked: bool) -> Result<Done<User>, CommandError> {
        self.change_account(ctx, user, AccountChange { is_blocked: Some(blocked), role: None }).await
    }
}
