//! An administrator stops an account from acting, or lets it act again.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    RefusalKind, UserId,
    user::{Role, User, UserCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct BlockAccount {
    user: UserId,
    blocked: bool,
}

impl UseCase for BlockAccount {
    type Aggregate = User;
    const NAME: &'static str = "account.block";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        let (by, account) = facts.actor_and_account().await?;
        if account.state.role() != Role::Admin || by == self.user {
            return Err(CommandError::Refused {
                kind: RefusalKind::Forbidden,
                code: "admin_only",
                detail: "only an administrator may do this, and to others".to_owned(),
                field: None,
            });
        }
        let command = if self.blocked { UserCommand::Block } else { UserCommand::Unblock };
        facts.decide(self.user, command).await
    }
}

impl Commands {
    /// Stops an account from acting (`blocked`), or lets it act again; only another administrator may.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn block_account(&self, ctx: &Context, user: UserId, blocked: bool) -> Result<Done<User>, CommandError> {
        self.act(ctx, &BlockAccount { user, blocked }).await
    }
}
