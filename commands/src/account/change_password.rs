//! A person changes their password, which ends their other sessions.

use crate::{
    CommandError, Commands, Context, Done, Password,
    account::own_words,
    engine::{Decided, Facts, UseCase},
    session::COMPARISONS,
};
use domain::{
    UserId,
    session::EndReason,
    text::EmailAddress,
    user::{User, UserCommand},
};
use event_store::{Position, Secret};
use passwords::Asks;
use serde::Serialize;

/// Neither password is part of the request: the stored request hash must not help to verify guesses.
#[derive(Serialize)]
struct ChangePassword {
    #[serde(skip)]
    comparison: Comparison,
    #[serde(skip)]
    phc: String,
}

/// The result of comparing a password.
#[derive(Clone, Copy)]
pub(crate) struct Comparison {
    is_right: bool,
    /// The number of password changes at that time.
    changes: u64,
}

impl Comparison {
    /// Refuses a wrong password, given in `field`, and one that was compared before the latest change.
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
    /// Replaces the actor's password and ends their other sessions, in one append.
    ///
    /// # Errors
    /// [`CommandError`]; `Invalid` (`current`: `wrong_password`) for a wrong current password.
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
            let phc = if comparison.is_right {
                let account = self.user(actor.user).await?.state;
                let words = account.profile().map(own_words).unwrap_or_default();
                let phc = self.passwords().hash_new(Asks::Known, new.clone(), words).await;
                phc.map_err(|error| CommandError::of_password(error, "new"))?
            } else {
                String::new()
            };
            match self.act(ctx, &ChangePassword { comparison, phc }).await {
                Err(CommandError::Contended) if attempts < COMPARISONS => (),
                done => return done,
            }
        }
    }

    /// Compares a claimed password with the account's. Wrong ones are throttled as at sign-in.
    pub(crate) async fn compare(&self, user: UserId, claimed: Password) -> Result<Comparison, CommandError> {
        let account = self.user(user).await?.state;
        let changes = account.password_changes();
        let email = account.profile().map(|profile| profile.email.clone());
        let address = self.address_hash(&email.unwrap_or_else(|| EmailAddress::stored("")));
        let attempt = self.throttle().own_attempt(address, self.now());
        let attempt = attempt.map_err(|wait_ms| CommandError::TooManyTries { wait_ms })?;
        let compared = async {
            let phc = self.store().password(user.0).await?;
            Ok::<_, CommandError>(self.passwords().compare(Asks::Known, claimed, phc).await?.is_right())
        };
        let compared = compared.await;
        if let Some(attempt) = attempt {
            match &compared {
                Ok(true) => attempt.right(user),
                Ok(false) => attempt.wrong(self.now()),
                Err(_) => attempt.undone(),
            }
        }
        let is_right = compared?;
        Ok(Comparison { is_right, changes })
    }
}
