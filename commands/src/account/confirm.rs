//! Confirmation by the owner, for commands that cannot be undone: the password, or a session that began recently.

use crate::{CommandError, Commands, Context, Password, account::Comparison, engine::Facts};
use domain::{AggregateType, SessionId, Timestamp, user::User};
use event_store::StreamId;

/// The time after sign-in without a need for the password, in milliseconds.
const FRESH_MS: i64 = 5 * 60 * 1_000;

/// The owner's confirmation of a command.
#[derive(Clone, Copy)]
pub(crate) enum Confirmation {
    Password(Comparison),
    /// The session must have begun recently.
    None,
}

impl Commands {
    /// Compares the password, if one was given.
    pub(crate) async fn confirm(
        &self,
        ctx: &Context,
        password: Option<&Password>,
    ) -> Result<Confirmation, CommandError> {
        let actor = ctx.actor.ok_or(CommandError::InvalidToken)?;
        Ok(match password {
            Some(claimed) => Confirmation::Password(self.compare(actor.user, claimed.clone()).await?),
            None => Confirmation::None,
        })
    }
}

impl Facts<'_> {
    /// Refuses unless the actor, the owner of `account`, has confirmed the command.
    pub(crate) async fn require_confirmation(&self, by: Confirmation, account: &User) -> Result<(), CommandError> {
        let session = match by {
            Confirmation::Password(comparison) => return comparison.check("password", account),
            Confirmation::None => self.session(),
        };
        let Some(session) = session else { return Ok(()) };
        let began = self.began(session).await?;
        if began.is_some_and(|at| self.now().millis().saturating_sub(at.millis()) < FRESH_MS) {
            return Ok(());
        }
        let detail = "is required: you signed in more than 5 minutes ago";
        Err(CommandError::field("password", "required", detail))
    }

    async fn began(&self, session: SessionId) -> Result<Option<Timestamp>, CommandError> {
        let first = self.store().load_many(&[(StreamId::new(AggregateType::Session, session), 1)]).await?;
        Ok(first.first().map(|event| event.record.recorded_at))
    }
}
