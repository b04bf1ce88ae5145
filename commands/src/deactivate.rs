//! A person hides their account until they sign in again.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    session::EndReason,
    user::{User, UserCommand},
};
use event_store::Position;
use serde::Serialize;

#[derive(Serialize)]
struct Deactivate {}

impl UseCase for Deactivate {
    type Aggregate = User;
    const NAME: &'static str = "account.deactivate";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        let (user, account) = facts.actor_and_account().await?;
        facts.end_sessions(user, None, Position::MAX, EndReason::Deactivated).await?;
        facts.decide_on(user, account, UserCommand::Deactivate)
    }
}

impl Commands {
    /// Hides the actor's account, and ends all their sessions, in one append.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn deactivate(&self, ctx: &Context) -> Result<Done<User>, CommandError> {
        self.act(ctx, &Deactivate {}).await
    }
}
