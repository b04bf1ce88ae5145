//! A device renews its session with a refresh token, which is replaced by the next one.

use crate::{
    CommandError, Commands, Context, SignedIn,
    engine::{Caller, Decided, Facts, UseCase, refused},
    session::{End, token},
};
use domain::{
    SessionId, Timestamp, UserId,
    session::{EndReason, Session},
    user::User,
};
use event_store::{Receipt, Secret};
use serde::Serialize;

/// The most attempts of a rotation that is overtaken.
const ATTEMPTS: usize = 8;

/// Replaces the current refresh token.
#[derive(Serialize)]
struct RotateToken {
    user: UserId,
    session: SessionId,
    #[serde(skip)]
    current: [u8; 32],
    #[serde(skip)]
    next: [u8; 32],
    #[serde(skip)]
    expires_at: Timestamp,
}

impl UseCase for RotateToken {
    type Aggregate = Session;
    const NAME: &'static str = "auth.refresh";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Session>, CommandError> {
        let session = facts.get::<Session>(self.session).await?;
        if !session.state.is_live(self.user) {
            return Err(CommandError::InvalidToken);
        }
        let account = facts.get::<User>(self.user).await?.state;
        if !account.keeps(self.session, session.state.sign_outs()) {
            return Err(CommandError::InvalidToken);
        }
        account.may_act().map_err(refused)?;
        facts.secrets.push(Secret::RefreshToken {
            session: self.session.0,
            user: self.user.0,
            hash: self.next,
            replaces: Some(self.current),
            expires_at: self.expires_at.millis(),
        });
        Ok(Decided { id: self.session.0, state: session.state })
    }
}

impl Commands {
    /// Renews a session. A token replaced within the grace still works, for a client that lost the answer. A token
    /// replaced earlier was copied, and ends the session.
    ///
    /// # Errors
    /// [`CommandError`]; `InvalidToken` for an unknown, expired or replaced token.
    pub async fn refresh(&self, ctx: &Context, refresh_token: &str) -> Result<SignedIn, CommandError> {
        let shown = token::hash(refresh_token);
        for _ in 0..ATTEMPTS {
            let known = self.store().refresh_token(&shown).await?;
            let (session, user, expires_at, replaced_ago) = known.ok_or(CommandError::InvalidToken)?;
            let (session, user, now) = (SessionId(session), UserId(user), self.now().millis());
            if expires_at <= now {
                return Err(CommandError::InvalidToken);
            }
            let current = match replaced_ago {
                None => shown,
                Some(ago) if ago <= self.settings().refresh_grace_ms => {
                    self.store().current_refresh_token(session.0).await?.ok_or(CommandError::InvalidToken)?
                }
                Some(_) => {
                    let end = End { session, user, reason: EndReason::TokenReuse };
                    self.execute(&Caller::anonymous(ctx, "auth.refresh").without_key(), &end).await?;
                    return Err(CommandError::InvalidToken);
                }
            };
            match self.rotate(ctx, user, session, current).await {
                Err(CommandError::Contended) => (),
                rotated => return rotated,
            }
        }
        Err(CommandError::Contended)
    }

    /// The owner of a refresh token that this process issued recently. It may have been replaced since.
    #[must_use]
    pub fn holder_of(&self, refresh_token: &str) -> Option<UserId> {
        self.issued_tokens().get(&token::hash(refresh_token))
    }

    /// A new refresh token for the session of a repeated sign-in, whose first token was lost. Returns the first
    /// receipt.
    pub(crate) async fn reissue(
        &self,
        ctx: &Context,
        user: UserId,
        session: SessionId,
        first: Receipt,
    ) -> Result<SignedIn, CommandError> {
        for _ in 0..ATTEMPTS {
            let current = self.store().current_refresh_token(session.0).await?.ok_or(CommandError::InvalidToken)?;
            match self.rotate(ctx, user, session, current).await {
                Err(CommandError::Contended) => (),
                rotated => return rotated.map(|signed_in| SignedIn { receipt: first, ..signed_in }),
            }
        }
        Err(CommandError::Contended)
    }

    async fn rotate(
        &self,
        ctx: &Context,
        user: UserId,
        session: SessionId,
        current: [u8; 32],
    ) -> Result<SignedIn, CommandError> {
        let (token, expires_at) = self.new_refresh_token()?;
        let rotate = RotateToken { user, session, current, next: token.hash(), expires_at };
        let done = self.execute(&Caller::anonymous(ctx, "auth.refresh").without_key(), &rotate).await?;
        self.signed_in(user, session, token, expires_at, done.receipt).await
    }
}
