//! A person erases their account: what they wrote and were known by can be read no more. ADR 21 says how.

use crate::{
    CommandError, Commands, Context, Done, Password,
    change_password::Comparison,
    execute::UseCase,
    facts::{Decided, Facts},
    sign_in::ATTEMPTS,
};
use domain::{
    session::EndReason,
    user::{User, UserCommand},
};
use event_store::{Claim, ClaimChange, ClaimKind, Position, Secret};
use serde::Serialize;

#[derive(Serialize)]
struct Erase {
    /// Of the password, when they gave one.
    #[serde(skip)]
    comparison: Option<Comparison>,
}

impl UseCase for Erase {
    type Aggregate = User;
    const NAME: &'static str = "account.erase";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        let (user, account) = facts.actor_and_account().await?;
        if let Some(comparison) = self.comparison {
            comparison.check("password", &account.state)?;
        }
        if let Some(profile) = account.state.profile() {
            let hash = facts.store().claim_hash(ClaimKind::Email, &profile.email.canonical());
            let change = ClaimChange::Release;
            facts.claims.push(Claim { kind: ClaimKind::Email, hash, change, owner: user.0 });
        }
        facts.secrets.push(Secret::Forget { subject: user.0 });
        facts.end_sessions(user, None, Position::MAX, EndReason::Erased).await?;
        facts.decide_on(user, account, UserCommand::Erase)
    }
}

impl Commands {
    /// Erases the actor: one append ends their sessions, gives up their address, and destroys their data key, password
    /// and refresh tokens. What else must go follows by a reactor and by the read side.
    ///
    /// # Errors
    /// [`CommandError`]; `Invalid` (`password`: `wrong_password`) when one is given and is another.
    pub async fn erase(&self, ctx: &Context, password: Option<Password>) -> Result<Done<User>, CommandError> {
        let actor = ctx.actor.ok_or(CommandError::InvalidToken)?;
        let mut attempts = 0;
        let done = loop {
            attempts += 1;
            let comparison = match &password {
                Some(claimed) => Some(self.compare(actor.user, claimed.clone()).await?),
                None => None,
            };
            match self.act(ctx, &Erase { comparison }).await {
                Err(CommandError::Contended) if attempts < ATTEMPTS => (),
                done => break done?,
            }
        };
        self.forget(actor.user);
        Ok(done)
    }
}
