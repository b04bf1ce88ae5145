//! A person deactivates their account until the next sign-in.

use crate::{
    CommandError, Commands, Context, Done, Password,
    account::Confirmation,
    engine::{Decided, Facts, UseCase},
    session::COMPARISONS,
};
use domain::{
    session::EndReason,
    user::{User, UserCommand},
};
use event_store::Position;
use serde::Serialize;

#[derive(Serialize)]
struct Deactivate {
    #[serde(skip)]
    confirmation: Confirmation,
}

impl UseCase for Deactivate {
    type Aggregate = User;
    const NAME: &'static str = "account.deactivate";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        let (user, account) = facts.actor_and_account().await?;
        facts.require_confirmation(self.confirmation, &account.state).await?;
        facts.end_sessions(user, None, Position::MAX, EndReason::Deactivated).await?;
        facts.decide_on(user, account, UserCommand::Deactivate)
    }
}

impl Commands {
    /// Deactivates the actor's account and ends all their sessions, in one append.
    ///
    /// # Errors
    /// As [`Commands::erase`].
    pub async fn deactivate(&self, ctx: &Context, password: Option<Password>) -> Result<Done<User>, CommandError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let confirmation = self.confirm(ctx, password.as_ref()).await?;
            match self.act(ctx, &Deactivate { confirmation }).await {
                Err(CommandError::Contended) if attempts < COMPARISONS => (),
                done => return done,
            }
        }
    }
}
