//! A person erases their account, which makes their personal values unreadable (ADR 21).

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
use event_store::{Position, Secret};
use serde::Serialize;

#[derive(Serialize)]
struct Erase {
    #[serde(skip)]
    confirmation: Confirmation,
}

impl UseCase for Erase {
    type Aggregate = User;
    const NAME: &'static str = "account.erase";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        let (user, account) = facts.actor_and_account().await?;
        facts.require_confirmation(self.confirmation, &account.state).await?;
        if let Some(profile) = account.state.profile() {
            facts.release_address(&profile.email, user);
        }
        facts.secrets.push(Secret::Forget { subject: user.0 });
        facts.end_sessions(user, None, Position::MAX, EndReason::Erased).await?;
        facts.decide_on(user, account, UserCommand::Erase)
    }
}

impl Commands {
    /// Erases the actor. One append ends their sessions, releases their address, and destroys their data key, password
    /// and refresh tokens. A reactor and the read side remove the rest.
    ///
    /// # Errors
    /// [`CommandError`]; `Invalid` (`password`: `wrong_password`, or `required` without one when the session is older
    /// than 5 minutes).
    pub async fn erase(&self, ctx: &Context, password: Option<Password>) -> Result<Done<User>, CommandError> {
        let actor = ctx.actor.ok_or(CommandError::InvalidToken)?;
        let mut attempts = 0;
        let done = loop {
            attempts += 1;
            let confirmation = self.confirm(ctx, password.as_ref()).await?;
            match self.act(ctx, &Erase { confirmation }).await {
                Err(CommandError::Contended) if attempts < COMPARISONS => (),
                done => break done?,
            }
        };
        self.forget(actor.user);
        Ok(done)
    }
}
