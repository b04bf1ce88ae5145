//! Ending sessions.

use super::{Answer, Request};
use domain::SessionId;
use protocol::Problem;

/// Ends the caller's own session: its tokens are refused from here on.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn sign_out(request: &Request<'_>) -> Result<Answer, Problem> {
    Ok(Answer::nothing(&request.app.commands.sign_out(&request.context()).await?.receipt))
}

/// Ends any session of the caller's.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn end_session(request: &Request<'_>, session: SessionId) -> Result<Answer, Problem> {
    Ok(Answer::nothing(&request.app.commands.end_session(&request.context(), session).await?.receipt))
}
