//! A person changes their password; their other devices are signed out with it.

use crate::{
    CommandError, Commands, Context, Done, Password,
    execute::UseCase,
    facts::{Decided, Facts},
    sign_in::ATTEMPTS,
};
use domain::{
    UserId,
    session::EndReason,
    user::{User, UserCommand},
};
use event_store::{ClaimKind, Position, Secret};
use serde::Serialize;

/// The new password in the place of the old one, which was compared before. Neither is part of the request: it is
/// stored with nothing that can be tried against a guess.
#[derive(Serialize)]
struct ChangePassword {
    #[serde(skip)]
    comparison: Comparison,
    #[serde(skip)]
    phc: String,
}

/// What came of comparing a password.
#[derive(Clone, Copy)]
pub(crate) struct Comparison {
    is_right: bool,
    /// How often it had been changed by then.
    changes: u64,
}

impl Comparison {
    /// Refuses a wrong one, given in `field`, and one that was compared too early.
    pub(crate) fn check(self, field: &str, account: &User) -> Result<(), CommandError> {
        if account.password_changes() != self.changes {
            return Err(CommandError::Contended);
        }
        if self.is_right { Ok(()) } else { Err(CommandError::field(field, "wrong_password", "is not your password")) }
    }
}

impl UseCase for ChangePassword {
    type Aggregate = User;
    const NAME: &'static str = "account.change_password";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        let (user, account) = facts.actor_and_account().await?;
        self.comparison.check("current", &account.state)?;
        facts.secrets.push(Secret::Password { user: user.0, phc: self.phc.clone() });
        let kept = facts.session();
        facts.end_sessions(user, kept, Position::MAX, EndReason::PasswordChanged).await?;
        facts.decide_on(user, account, UserCommand::ChangePassword { kept })
    }
}

impl Commands {
    /// Replaces the actor's password, and ends all their sessions but the one that asks, in one append.
    ///
    /// # Errors
    /// [`CommandError`]; `Invalid` (`current`: `wrong_password`) when the current one is another.
    pub async fn change_password(
        &self,
        ctx: &Context,
        current: Password,
        new: Password,
    ) -> Result<Done<User>, CommandError> {
        let actor = ctx.actor.ok_or(CommandError::InvalidToken)?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let comparison = self.compare(actor.user, current.clone()).await?;
            let phc = if comparison.is_right { self.passwords().hash(new.clone()).await? } else { String::new() };
            match self.act(ctx, &ChangePassword { comparison, phc }).await {
                Err(CommandError::Contended) if attempts < ATTEMPTS => (),
                done => return done,
            }
        }
    }

    /// Compares what somebody says is their password; wrong ones count as those of a sign-in do.
    pub(crate) async fn compare(&self, user: UserId, claimed: Password) -> Result<Comparison, CommandError> {
        let account = self.user(user).await?.state;
        let changes = account.password_changes();
        let email = account.profile().map(|profile| profile.email.canonical()).unwrap_or_default();
        let address = self.store().claim_hash(ClaimKind::Email, &email);
        let attempt = self.throttle().attempt(address, None, self.now());
        let attempt = attempt.map_err(|wait_ms| CommandError::TooManyTries { wait_ms })?;
        let phc = self.store().password(user.0).await?;
        let is_right = self.passwords().is_right(claimed, phc).await?;
        match attempt {
            Some(attempt) if is_right => attempt.right(),
            Some(attempt) => attempt.wrong(self.now()),
            None => (),
        }
        Ok(Comparison { is_right, changes })
    }
}
