//! A person changes their profile.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    EventType,
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
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("account.updated"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        let (user, account) = facts.actor_and_account().await?;
        let shown = account.state.profile().and_then(|profile| profile.avatar_url.as_ref());
        let avatar_url = self.change.avatar_url.as_ref().and_then(Option::as_ref).filter(|url| Some(*url) != shown);
        facts.authorize_avatar(user, avatar_url).await?;
        facts.decide_on(user, account, UserCommand::Update { user, change: self.change.clone() })
    }
}

impl Commands {
    /// Changes the actor's profile.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn update_profile(&self, ctx: &Context, change: ProfileChange) -> Result<Done<User>, CommandError> {
        self.act(ctx, &UpdateProfile { change }).await
    }
}
