//! Somebody signs in with e-mail address and password.

use crate::{
    CommandError, Commands, Context, Password,
    error::refused,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
    token::RefreshToken,
};
use domain::{
    SessionId, Timestamp, UserId,
    session::{Device, Session, SessionCommand},
    text::EmailAddress,
    user::{User, UserCommand},
};
use event_store::{ClaimKind, Receipt, Secret};
use serde::Serialize;
use std::sync::Arc;

/// How often a password that others change meanwhile is compared.
pub(crate) const ATTEMPTS: usize = 4;

/// What somebody signs in with.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The address of the account.
    pub email: EmailAddress,
    /// Its password, as claimed.
    pub password: Password,
    /// From where.
    pub device: Device,
}

/// A session that is good from now on.
#[derive(Clone)]
pub struct SignedIn {
    /// Who signed in.
    pub user_id: UserId,
    /// Their account.
    pub user: Arc<User>,
    /// The session.
    pub session: SessionId,
    /// What renews it, known to nobody else.
    pub refresh_token: String,
    /// Until when the refresh token is good.
    pub refresh_expires_at: Timestamp,
    /// What was stored.
    pub receipt: Receipt,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn")
            .field("user_id", &self.user_id)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// The start of a session for a user whose password was right.
#[derive(Serialize)]
struct Start<'r> {
    user: UserId,
    /// How often the password had been changed when it was compared.
    #[serde(skip)]
    changes: u64,
    #[serde(skip)]
    device: &'r Device,
    #[serde(skip)]
    token: [u8; 32],
    #[serde(skip)]
    expires_at: Timestamp,
}

impl UseCase for Start<'_> {
    type Aggregate = Session;
    const NAME: &'static str = "auth.login";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Session>, CommandError> {
        let account = facts.get::<User>(self.user).await?;
        if !account.state.exists() {
            return Err(CommandError::WrongCredentials);
        }
        if account.state.password_changes() != self.changes {
            return Err(CommandError::Contended);
        }
        let sign_outs = account.state.sign_outs();
        facts.make_room(self.user).await?;
        if account.state.is_deactivated() {
            facts.decide_on(self.user, account, UserCommand::Reactivate)?;
        } else {
            account.state.may_act().map_err(refused)?;
        }
        let session = facts.new_id();
        let before = facts.presume_new(session).await?;
        facts.secrets.push(Secret::RefreshToken {
            session,
            user: self.user.0,
            hash: self.token,
            replaces: None,
            expires_at: self.expires_at.millis(),
        });
        let start = SessionCommand::Start { user: self.user, device: self.device.clone(), sign_outs };
        facts.decide_on(session, before, start)
    }
}

impl Commands {
    /// Starts a session for whoever knows the password. Whoever has deactivated the account is back with that. An account
    /// has [`MAX_SESSIONS`](crate::MAX_SESSIONS) at a time: those that were not renewed for the longest end.
    ///
    /// # Errors
    /// [`CommandError`]; `WrongCredentials` for an unknown address as for a wrong password, and `TooManyTries` after
    /// many of either.
    pub async fn sign_in(&self, ctx: &Context, request: SignIn) -> Result<SignedIn, CommandError> {
        let SignIn { email, password, device } = request;

        let (token, expires_at) = self.new_refresh_token()?;
        let mut attempts = 0;
        let (user, done) = loop {
            attempts += 1;
            let known = self.user_by_password(&email, password.clone(), &device).await?;
            let (user, changes) = known.ok_or(CommandError::WrongCredentials)?;
            let start = Start { user, changes, device: &device, token: token.hash(), expires_at };
            match self.execute(&Caller::anonymous(ctx, "auth.login"), &start).await {
                // The password was changed while it was compared.
                Err(CommandError::Contended) if attempts < ATTEMPTS => (),
                done => break (user, done?),
            }
        };
        if done.receipt.repeated {
            return self.reissue(ctx, user, SessionId(done.id), done.receipt).await;
        }
        self.signed_in(user, SessionId(done.id), token, expires_at, done.receipt).await
    }

    /// Whose address and password these are, and how often it had been changed before they were compared.
    pub(crate) async fn user_by_password(
        &self,
        email: &EmailAddress,
        password: Password,
        device: &Device,
    ) -> Result<Option<(UserId, u64)>, CommandError> {
        let address = self.store().claim_hash(ClaimKind::Email, &email.canonical());
        let attempt = self.throttle().attempt(address, device.ip.as_deref(), self.now());
        let attempt = attempt.map_err(|wait_ms| CommandError::TooManyTries { wait_ms })?;
        let found = self.user_with(&address, password).await;
        if let Some(attempt) = attempt {
            match &found {
                Ok(Some(_)) => attempt.right(),
                Ok(None) => attempt.wrong(self.now()),
                Err(_) => attempt.undone(),
            }
        }
        found
    }

    async fn user_with(&self, address: &[u8; 32], password: Password) -> Result<Option<(UserId, u64)>, CommandError> {
        let user = self.store().claimed_by(ClaimKind::Email, address).await?;
        // Nobody's is looked for, too: who has an account cannot be told by the time.
        let asked = user.unwrap_or_default();
        let changes = self.user(UserId(asked)).await?.state.password_changes();
        let phc = self.store().password(asked).await?;
        let right = self.passwords().is_right(password, phc).await?;
        Ok(user.filter(|_| right).map(|user| (UserId(user), changes)))
    }

    /// A new refresh token, and until when it is good.
    pub(crate) fn new_refresh_token(&self) -> Result<(RefreshToken, Timestamp), CommandError> {
        let expires_at = self.now().millis().saturating_add(self.settings().refresh_ttl_ms);
        Ok((RefreshToken::new()?, Timestamp::from_millis(expires_at)))
    }

    /// The answer to whoever signed in.
    pub(crate) async fn signed_in(
        &self,
        user_id: UserId,
        session: SessionId,
        token: RefreshToken,
        refresh_expires_at: Timestamp,
        receipt: Receipt,
    ) -> Result<SignedIn, CommandError> {
        let user = self.user(user_id).await?.state;
        let refresh_token = token.into_string();
        Ok(SignedIn { user_id, user, session, refresh_token, refresh_expires_at, receipt })
    }
}
