//! A device signs out.

use crate::{CommandError, Commands, Context, Done, end_session::End};
use domain::session::{EndReason, Session};

impl Commands {
    /// Ends the actor's own session; somebody whose account is blocked may, too.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn sign_out(&self, ctx: &Context) -> Result<Done<Session>, CommandError> {
        let actor = ctx.actor.ok_or(CommandError::InvalidToken)?;
        let session = actor.session.ok_or(CommandError::InvalidToken)?;
        self.act(ctx, &End { session, user: actor.user, reason: EndReason::Logout }).await
    }
}
