//! Ends orphaned sessions: those that started with credentials revoked since.

use crate::{
    CommandError, Commands, Context,
    engine::{Caller, Decided, Facts, UseCase},
};
use domain::{SessionId, UserId, session::EndReason, user::User};
use event_store::Position;
use serde::Serialize;

#[derive(Serialize)]
struct EndOrphanedSessions {
    user: UserId,
    kept: Option<SessionId>,
    until: Position,
    reason: EndReason,
}

impl UseCase for EndOrphanedSessions {
    type Aggregate = User;
    const NAME: &'static str = "session.end_strays";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
        facts.end_sessions(self.user, self.kept, self.until, self.reason).await?;
        Ok(Decided { id: self.user.0, state: facts.peek::<User>(self.user).await?.state })
    }
}

impl Commands {
    /// Ends the sessions of `user` that began before `until`, except `kept`, a portion at a time.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn end_orphaned_sessions(
        &self,
        ctx: &Context,
        user: UserId,
        kept: Option<SessionId>,
        until: Position,
        reason: EndReason,
    ) -> Result<(), CommandError> {
        // Two: one of them may be the kept one.
        while self
            .store()
            .live_sessions(user.0, until, 0, 2)
            .await?
            .into_iter()
            .any(|live| kept != Some(SessionId(live)))
        {
            let orphaned = EndOrphanedSessions { user, kept, until, reason };
            // An ended session is not ended again, so that no key is needed.
            let done = self.execute(&Caller::reactor(ctx).without_key(), &orphaned).await?;
            if done.receipt.position.is_none() {
                break;
            }
        }
        Ok(())
    }
}
