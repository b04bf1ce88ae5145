//! A person ends one of their sessions from another device.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Caller, Decided, Facts, UseCase},
};
use domain::{
    SessionId, Tier, UserId,
    session::{EndReason, Session, SessionCommand},
};
use event_store::Position;
use serde::Serialize;
use uuid::Uuid;

/// The most sessions of an account.
pub const MAX_SESSIONS: u32 = 100;
/// The most sessions that end in one append.
const PORTION: u32 = 100;

#[derive(Serialize)]
struct EndSession {
    session: SessionId,
}

impl UseCase for EndSession {
    type Aggregate = Session;
    const NAME: &'static str = "session.end";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Session>, CommandError> {
        let user = facts.actor().await?;
        facts.decide(self.session, SessionCommand::End { user, reason: EndReason::Revoked }).await
    }
}

/// Ends a session; the caller has authorized it.
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

#[derive(Serialize)]
struct EndExpired {
    sessions: Vec<(SessionId, UserId)>,
}

impl UseCase for EndExpired {
    type Aggregate = Session;
    const NAME: &'static str = "session.expire";

    /// Medium although its event is high: no client waits for it.
    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Session>, CommandError> {
        facts.end_all(&self.sessions, EndReason::Expired).await?;
        let id = self.sessions.first().map(|(session, _)| session.0).unwrap_or_default();
        Ok(Decided { id, state: Default::default() })
    }
}

impl Facts<'_> {
    /// Ends the sessions of `user` that began before `until`, except `kept`: at most [`PORTION`], the latest renewed
    /// first. The account's state invalidates the rest, and the reactor `settle_accounts` ends them.
    pub(crate) async fn end_sessions(
        &mut self,
        user: UserId,
        kept: Option<SessionId>,
        until: Position,
        reason: EndReason,
    ) -> Result<(), CommandError> {
        let live = self.store().live_sessions(user.0, until, 0, PORTION + 1).await?;
        let ending = live.into_iter().map(SessionId).filter(|session| kept != Some(*session));
        let ending: Vec<_> = ending.take(PORTION as usize).map(|session| (session, user)).collect();
        self.end_all(&ending, reason).await
    }

    /// Ends the sessions of `user` beyond [`MAX_SESSIONS`], so that another one can begin.
    pub(crate) async fn make_room(&mut self, user: UserId) -> Result<(), CommandError> {
        let beyond = self.store().live_sessions(user.0, Position::MAX, MAX_SESSIONS - 1, PORTION).await?;
        let ending: Vec<_> = beyond.into_iter().map(|session| (SessionId(session), user)).collect();
        self.end_all(&ending, EndReason::Superseded).await
    }

    async fn end_all(&mut self, sessions: &[(SessionId, UserId)], reason: EndReason) -> Result<(), CommandError> {
        let ids: Vec<Uuid> = sessions.iter().map(|(session, _)| session.0).collect();
        let mut states = self.get_many::<Session>(&ids).await?;
        for (session, user) in sessions {
            let before = states.remove(&session.0).unwrap_or_default();
            if before.state.is_live(*user) {
                self.decide_on(*session, before, SessionCommand::End { user: *user, reason })?;
            }
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
        self.act(ctx, &EndSession { session }).await
    }

    /// Ends the sessions whose refresh token has expired, a portion at a time; returns how many.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn end_expired_sessions(&self) -> Result<u64, CommandError> {
        let mut ended = 0;
        loop {
            let expired = self.store().expired_sessions(PORTION).await?;
            if expired.is_empty() {
                return Ok(ended);
            }
            let ids: Vec<Uuid> = expired.iter().map(|(session, _)| *session).collect();
            let sessions = expired.into_iter().map(|(session, user)| (SessionId(session), UserId(user))).collect();
            let ctx = self.system_context(None);
            self.execute(&Caller::reactor(&ctx), &EndExpired { sessions }).await?;
            // Includes the tokens of sessions that had ended before.
            self.store().drop_tokens(&ids).await?;
            ended += ids.len() as u64;
        }
    }
}
