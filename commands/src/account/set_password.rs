//! The operator sets the password of an account whose owner lost theirs, which ends all its sessions.

use crate::{
    CommandError, Commands, Context, Done, Password,
    account::own_words,
    engine::{Caller, Decided, Facts, UseCase, refused},
};
use domain::{
    UserId,
    session::EndReason,
    text::EmailAddress,
    user::{User, UserCommand, UserError},
};
use event_store::{Position, Secret};
use passwords::Asks;
use serde::Serialize;

/// The password is no part of the request: the stored request hash must not help to verify guesses.
#[derive(Serialize)]
struct SetPassword {
    user: UserId,
    #[serde(skip)]
    phc: String,
}

impl UseCase for SetPassword {
    type Aggregate = User;
    const NAME: &'static str = "account.set_password";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        let account = facts.get::<User>(self.user).await?;
        facts.secrets.push(Secret::Password { user: self.user.0, phc: self.phc.clone() });
        facts.end_sessions(self.user, None, Position::MAX, EndReason::PasswordChanged).await?;
        facts.decide_on(self.user, account, UserCommand::ChangePassword { kept: None })
    }
}

impl Commands {
    /// Replaces the password of the account with this address and ends all its sessions, in one append. For the operator,
    /// who has shown by access to the database that they may.
    ///
    /// # Errors
    /// [`CommandError`]; `Refused` (`not_found`) when no account has the address.
    pub async fn set_password(
        &self,
        ctx: &Context,
        email: &EmailAddress,
        password: Password,
    ) -> Result<Done<User>, CommandError> {
        let user = self.owner_of(email).await?.ok_or_else(|| refused(UserError::NotFound))?;
        let account = self.user(user).await?.state;
        let words = account.profile().map(own_words).unwrap_or_default();
        let phc = self.passwords().hash_new(Asks::Known, password, words).await;
        let phc = phc.map_err(|error| CommandError::of_password(error, "password"))?;
        self.execute(&Caller::anonymous(ctx, "account.set_password").without_key(), &SetPassword { user, phc }).await
    }
}
