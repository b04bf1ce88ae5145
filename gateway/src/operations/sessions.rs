//! Ending sessions.

use super::{Answer, Call};
use crate::Problem;
use domain::SessionId;

/// Ends the caller's own session: its tokens are refused from here on.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn sign_out(call: &Call<'_>) -> Result<Answer, Problem> {
    Ok(Answer::nothing(&call.app.commands.sign_out(&call.context()).await?.receipt))
}

/// Ends any session of the caller's.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn end_session(call: &Call<'_>, session: SessionId) -> Result<Answer, Problem> {
    Ok(Answer::nothing(&call.app.commands.end_session(&call.context(), session).await?.receipt))
}
