//! A person ends one of their sessions from another device.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    SessionId, UserId,
    session::{EndReason, Session, SessionCommand},
};
use event_store::Position;
use serde::Serialize;

#[derive(Serialize)]
struct Revoke {
    session: SessionId,
}

impl UseCase for Revoke {
    type Aggregate = Session;
    const NAME: &'static str = "session.end";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Session>, CommandError> {
        let user = facts.actor().await?;
        facts.decide(self.session, SessionCommand::End { user, reason: EndReason::Revoked }).await
    }
}

/// The end of a session whose right to end was established otherwise.
#[derive(Serialize)]
pub(crate) struct End {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    pub(crate) reason: EndReason,
}

impl UseCase for End {
    type Aggregate = Session;
    const NAME: &'static str = "auth.end";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Session>, CommandError> {
        facts.decide(self.session, SessionCommand::End { user: self.user, reason: self.reason }).await
    }
}

impl Facts<'_> {
    /// Ends the sessions of `user` that began before `until`, save `kept`.
    pub(crate) async fn end_sessions(
        &mut self,
        user: UserId,
        kept: Option<SessionId>,
        until: Position,
        reason: EndReason,
    ) -> Result<(), CommandError> {
        let live = self.store().live_sessions(user.0, until).await?;
        for session in live.into_iter().filter(|session| kept.is_none_or(|kept| kept.0 != *session)) {
            self.decide::<Session>(session, SessionCommand::End { user, reason }).await?;
        }
        Ok(())
    }
}

impl Commands {
    /// Ends one of the actor's sessions.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn end_session(&self, ctx: &Context, session: SessionId) -> Result<Done<Session>, CommandError> {
        self.act(ctx, &Revoke { session }).await
    }
}
