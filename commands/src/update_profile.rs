//! A person changes their profile.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    Tier,
    user::{ProfileChange, User, UserCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct UpdateProfile {
    change: ProfileChange,
}

impl UseCase for UpdateProfile {
    type Aggregate = User;
    const NAME: &'static str = "account.update";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        let (user, account) = facts.actor_and_account().await?;
        facts.may_show(user, self.change.avatar_url.as_ref().and_then(Option::as_ref)).await?;
        facts.decide_on(user, account, UserCommand::Update { user, change: self.change.clone() })
    }
}

impl Commands {
    /// Changes the actor's own profile.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn update_profile(&self, ctx: &Context, change: ProfileChange) -> Result<Done<User>, CommandError> {
        self.act(ctx, &UpdateProfile { change }).await
    }
}
