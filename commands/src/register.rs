//! Somebody opens an account, and is signed in with it.

use crate::{
    CommandError, Commands, Context, Password, SignedIn,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
};
use domain::{
    SessionId, Timestamp, UserId,
    session::{Device, Session, SessionCommand},
    user::{Profile, Role, User, UserCommand},
};
use event_store::{Claim, ClaimChange, ClaimKind, Secret};
use serde::Serialize;

/// An account as its owner wants it.
#[derive(Clone, Debug)]
pub struct Register {
    /// Name and contacts.
    pub profile: Profile,
    /// Its password.
    pub password: Password,
    /// Its role. That the caller may give it is checked before (the operator, or the bootstrap token).
    pub role: Role,
    /// From where.
    pub device: Device,
    /// Whether this uses up the one-time bootstrap token.
    pub bootstrap: bool,
}

/// The account and its first session: one append.
#[derive(Serialize)]
struct Open<'r> {
    profile: &'r Profile,
    role: Role,
    bootstrap: bool,
    #[serde(skip)]
    device: &'r Device,
    #[serde(skip)]
    phc: String,
    #[serde(skip)]
    token: [u8; 32],
    #[serde(skip)]
    expires_at: Timestamp,
}

impl UseCase for Open<'_> {
    type Aggregate = Session;
    const NAME: &'static str = "auth.register";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Session>, CommandError> {
        let (user, session) = (UserId(facts.new_id()), facts.new_id());
        let address = facts.store().claim_hash(ClaimKind::Email, &self.profile.email.canonical());
        facts.take(ClaimKind::Email, address, user.0);
        if self.bootstrap {
            let token = facts.store().claim_hash(ClaimKind::Bootstrap, ClaimKind::Bootstrap.as_str());
            facts.take(ClaimKind::Bootstrap, token, user.0);
        }
        facts.secrets.extend([
            Secret::DataKey { subject: user.0 },
            Secret::Password { user: user.0, phc: self.phc.clone() },
            Secret::RefreshToken {
                session,
                user: user.0,
                hash: self.token,
                replaces: None,
                expires_at: self.expires_at.millis(),
            },
        ]);
        let account = facts.presume_new::<User>(user).await?;
        facts.decide_on(
            user,
            account,
            UserCommand::Register { user, role: self.role, profile: self.profile.clone() },
        )?;
        let before = facts.presume_new::<Session>(session).await?;
        facts.decide_on(session, before, SessionCommand::Start { user, device: self.device.clone(), sign_outs: 0 })
    }
}

impl Commands {
    /// Opens an account under an address that must be free, and starts its first session.
    ///
    /// # Errors
    /// [`CommandError`]; `Taken` when the address, or the bootstrap token, is used.
    pub async fn register(&self, ctx: &Context, request: Register) -> Result<SignedIn, CommandError> {
        let Register { profile, password, role, device, bootstrap } = request;
        let phc = self.passwords().hash(password.clone()).await?;
        let (token, expires_at) = self.new_refresh_token()?;
        let token_hash = token.hash();
        let open = Open { profile: &profile, role, bootstrap, device: &device, phc, token: token_hash, expires_at };
        let done = self.execute(&Caller::anonymous(ctx, "auth.register"), &open).await?;
        let session = SessionId(done.id);
        let user = done.state.user().ok_or_else(|| CommandError::Internal("a session of nobody".to_owned()))?;
        if !done.receipt.repeated {
            return self.signed_in(user, session, token, expires_at, done.receipt).await;
        }
        // The key is no secret: only who knows the password gets the session of the first result.
        match self.user_by_password(&profile.email, password, &device).await? {
            Some((same, _)) if same == user => self.reissue(ctx, user, session, done.receipt).await,
            _ => Err(CommandError::Taken(ClaimKind::Email)),
        }
    }
}

impl Facts<'_> {
    /// Takes a unique name for `owner`.
    fn take(&mut self, kind: ClaimKind, hash: [u8; 32], owner: uuid::Uuid) {
        self.claims.push(Claim { kind, hash, change: ClaimChange::Take, owner });
    }
}
