//! That somebody types.

use super::{Answer, Call, InConversation};
use crate::{Problem, request::Nothing};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Somebody types, or has stopped.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Typing {
    /// Where.
    pub conversation_id: Uuid,
    /// Who.
    pub user_id: Uuid,
    /// Whether they do.
    pub is_typing: bool,
}

/// The caller types in a conversation.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn start_typing(call: &Call<'_>, request: InConversation<Nothing>) -> Result<Answer, Problem> {
    let user = call.app.commands.may_signal(&call.context(), request.conversation).await?;
    // Whoever is invisible types unseen: the others see what they would of somebody who is not here.
    if call.app.presences.is_hidden(user).await? {
        call.app.typing.stop(request.conversation, user).await;
        return Ok(Answer::told());
    }
    call.app.typing.start(request.conversation, user, call.caller.session).await;
    Ok(Answer::told())
}

/// The caller has stopped typing.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn stop_typing(call: &Call<'_>, request: InConversation<Nothing>) -> Result<Answer, Problem> {
    let user = call.app.commands.may_signal(&call.context(), request.conversation).await?;
    call.app.typing.stop(request.conversation, user).await;
    Ok(Answer::told())
}
