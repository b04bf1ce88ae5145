//! Sign-in with e-mail address and password.

use crate::{
    CommandError, Commands, Context, Password,
    engine::{Caller, Decided, Facts, UseCase, refused},
    session::RefreshToken,
};
use domain::{
    SessionId, Timestamp, UserId,
    session::{Device, Session, SessionCommand},
    text::EmailAddress,
    user::{User, UserCommand},
};
use event_store::{Receipt, Secret};
use passwords::{Asks, Compared};
use serde::Serialize;
use std::{net::IpAddr, sync::Arc};

/// The most comparisons of a password that changes meanwhile.
pub(crate) const COMPARISONS: usize = 4;

#[derive(Clone, Debug)]
pub struct SignIn {
    pub email: EmailAddress,
    pub password: Password,
    pub device: Device,
}

/// A new session.
#[derive(Clone)]
pub struct SignedIn {
    pub user_id: UserId,
    pub user: Arc<User>,
    pub session: SessionId,
    /// Renews the session; the store keeps only its hash.
    pub refresh_token: String,
    pub refresh_expires_at: Timestamp,
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

/// The user of a right password.
pub(crate) struct Known {
    pub(crate) user: UserId,
    /// The number of password changes when it was compared.
    changes: u64,
    compared: Compared,
}

/// Starts a session after a right password.
#[derive(Serialize)]
struct StartSession<'r> {
    user: UserId,
    /// The number of password changes when it was compared.
    #[serde(skip)]
    changes: u64,
    /// The hash of the normalized password, if the stored hash is older.
    #[serde(skip)]
    rehashed: Option<String>,
    #[serde(skip)]
    device: &'r Device,
    #[serde(skip)]
    token: [u8; 32],
    #[serde(skip)]
    expires_at: Timestamp,
}

impl UseCase for StartSession<'_> {
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
        if let Some(profile) = account.state.profile() {
            facts.complete_address(&profile.email, self.user).await?;
        }
        if let Some(phc) = &self.rehashed {
            facts.secrets.push(Secret::Password { user: self.user.0, phc: phc.clone() });
        }
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
    /// Starts a session for the right password. A deactivated account is reactivated. Beyond
    /// [`MAX_SESSIONS`](crate::MAX_SESSIONS) the sessions renewed longest ago end.
    ///
    /// # Errors
    /// [`CommandError`]; `WrongCredentials` for an unknown address or a wrong password, `TooManyTries` after many of
    /// them.
    pub async fn sign_in(&self, ctx: &Context, request: SignIn) -> Result<SignedIn, CommandError> {
        let SignIn { email, password, device } = request;

        let (token, expires_at) = self.new_refresh_token()?;
        let mut attempts = 0;
        let (user, done) = loop {
            attempts += 1;
            let known = self.user_by_password(&email, password.clone(), &device).await?;
            let Known { user, changes, compared } = known.ok_or(CommandError::WrongCredentials)?;
            let rehashed = match compared {
                Compared::RightAsTyped => Some(self.passwords().hash(Asks::Known, password.clone()).await?),
                _ => None,
            };
            let start = StartSession { user, changes, rehashed, device: &device, token: token.hash(), expires_at };
            match self.execute(&Caller::anonymous(ctx, "auth.login"), &start).await {
                // The password changed while it was compared.
                Err(CommandError::Contended) if attempts < COMPARISONS => (),
                done => break (user, done?),
            }
        };
        if done.receipt.repeated {
            return self.reissue(ctx, user, SessionId(done.id), done.receipt).await;
        }
        self.signed_in(user, SessionId(done.id), token, expires_at, done.receipt).await
    }

    /// The user who signed in with this address from `ip`, if this process remembers it.
    #[must_use]
    pub fn known_at(&self, email: &EmailAddress, ip: Option<IpAddr>) -> Option<UserId> {
        self.throttle().known(self.address_hash(email), ip)
    }

    /// The user of this address and password.
    pub(crate) async fn user_by_password(
        &self,
        email: &EmailAddress,
        password: Password,
        device: &Device,
    ) -> Result<Option<Known>, CommandError> {
        let attempt = self.throttle().attempt(self.address_hash(email), device.ip.as_deref(), self.now());
        let attempt = attempt.map_err(|wait_ms| CommandError::TooManyTries { wait_ms })?;
        let ip = device.ip.as_deref().and_then(|ip| ip.parse().ok());
        let asks = match self.known_at(email, ip) {
            Some(_) => Asks::Known,
            None => Asks::Stranger,
        };
        let found = self.user_with(asks, email, password).await;
        if let Some(attempt) = attempt {
            match &found {
                Ok(Some(Known { user, .. })) => attempt.right(*user),
                Ok(None) => attempt.wrong(self.now()),
                Err(_) => attempt.undone(),
            }
        }
        found
    }

    async fn user_with(
        &self,
        asks: Asks,
        email: &EmailAddress,
        password: Password,
    ) -> Result<Option<Known>, CommandError> {
        let user = self.owner_of(email).await?;
        // Without an account the same reads follow, so that the time does not reveal which accounts exist.
        let asked = user.unwrap_or_default();
        let changes = self.user(asked).await?.state.password_changes();
        let phc = self.store().password(asked.0).await?;
        let compared = self.passwords().compare(asks, password, phc).await?;
        Ok(user.filter(|_| compared.is_right()).map(|user| Known { user, changes, compared }))
    }

    /// A new refresh token and its expiry.
    pub(crate) fn new_refresh_token(&self) -> Result<(RefreshToken, Timestamp), CommandError> {
        let expires_at = self.now().millis().saturating_add(self.settings().refresh_ttl_ms);
        Ok((RefreshToken::new()?, Timestamp::from_millis(expires_at)))
    }

    pub(crate) async fn signed_in(
        &self,
        user_id: UserId,
        session: SessionId,
        token: RefreshToken,
        refresh_expires_at: Timestamp,
        receipt: Receipt,
    ) -> Result<SignedIn, CommandError> {
        let user = self.user(user_id).await?.state;
        self.issued_tokens().insert(token.hash(), user_id);
        let refresh_token = token.into_string();
        Ok(SignedIn { user_id, user, session, refresh_token, refresh_expires_at, receipt })
    }
}
