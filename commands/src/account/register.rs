//! Registration of an account, and its first session.

use crate::{
    CommandError, Commands, Context, Password, SignedIn,
    engine::{Caller, Decided, Facts, UseCase},
    session::Known,
};
use domain::{
    SessionId, Timestamp, UserId,
    session::{Device, Session, SessionCommand},
    user::{Profile, Role, User, UserCommand},
};
use event_store::{ClaimKind, Secret};
use passwords::Asks;
use serde::Serialize;

#[derive(Clone, Debug)]
pub struct Register {
    pub profile: Profile,
    pub password: Password,
    /// The caller has checked the right to give this role (the operator's, or the bootstrap token).
    pub role: Role,
    pub device: Device,
    /// True if an administrator registers with the one-time bootstrap token.
    pub bootstrap: bool,
}

#[derive(Serialize)]
struct OpenAccount<'r> {
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

impl UseCase for OpenAccount<'_> {
    type Aggregate = Session;
    const NAME: &'static str = "auth.register";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Session>, CommandError> {
        let (user, session) = (UserId(facts.new_id()), facts.new_id());
        facts.take_address(&self.profile.email, user);
        if self.role == Role::Admin && !facts.take_bootstrap(user).await? && self.bootstrap {
            return Err(CommandError::Taken(ClaimKind::Bootstrap));
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
    /// Opens an account and starts its first session.
    ///
    /// # Errors
    /// [`CommandError`]; `Taken` for a used address, and for a void bootstrap token: one that was used, or an
    /// administrator was created without it.
    pub async fn register(&self, ctx: &Context, request: Register) -> Result<SignedIn, CommandError> {
        let Register { profile, password, role, device, bootstrap } = request;
        let phc = self.passwords().hash_new(Asks::Stranger, password.clone(), own_words(&profile)).await;
        let phc = phc.map_err(|error| CommandError::of_password(error, "password"))?;
        let (token, expires_at) = self.new_refresh_token()?;
        let token_hash = token.hash();
        let open =
            OpenAccount { profile: &profile, role, bootstrap, device: &device, phc, token: token_hash, expires_at };
        let done = self.execute(&Caller::anonymous(ctx, "auth.register"), &open).await?;
        let session = SessionId(done.id);
        let user = done.state.user().ok_or_else(|| CommandError::Internal("a session of nobody".to_owned()))?;
        if !done.receipt.repeated {
            return self.signed_in(user, session, token, expires_at, done.receipt).await;
        }
        // The key is no secret: the session of the first result requires the password.
        match self.user_by_password(&profile.email, password, &device).await? {
            Some(Known { user: same, .. }) if same == user => self.reissue(ctx, user, session, done.receipt).await,
            _ => Err(CommandError::Taken(ClaimKind::Email)),
        }
    }
}

/// The person's names and address, which must not make up the password.
pub(crate) fn own_words(profile: &Profile) -> Vec<String> {
    let Profile { email, first_name, last_name, .. } = profile;
    [email.as_str(), first_name.as_str(), last_name.as_str()].map(str::to_owned).to_vec()
}
