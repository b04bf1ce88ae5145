//! A device signs out.

use crate::{CommandError, Commands, Context, Done, session::End};
use domain::session::{EndReason, Session};

impl Commands {
    /// Ends the actor's own session, even of a blocked account.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn sign_out(&self, ctx: &Context) -> Result<Done<Session>, CommandError> {
        let actor = ctx.actor.ok_or(CommandError::InvalidToken)?;
        let session = actor.session.ok_or(CommandError::InvalidToken)?;
        self.act(ctx, &End { session, user: actor.user, reason: EndReason::Logout }).await
    }
}
