//! That somebody types.

use super::{Answer, Call, InConversation};
use crate::{Problem, request::Nothing};
use broker::Signal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long it is worth telling, in milliseconds: the low tier's target.
const WORTH_MS: i64 = 2_000;

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
    tell(call, request, true).await
}

/// The caller has stopped typing.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn stop_typing(call: &Call<'_>, request: InConversation<Nothing>) -> Result<Answer, Problem> {
    tell(call, request, false).await
}

async fn tell(call: &Call<'_>, request: InConversation<Nothing>, is_typing: bool) -> Result<Answer, Problem> {
    let conversation = request.conversation;
    let user = call.app.commands.may_signal(&call.context(), conversation).await?;
    let typing = Typing { conversation_id: conversation.0, user_id: user.0, is_typing };
    let signal = Signal {
        name: "typing".to_owned(),
        scope: Some(conversation.0),
        users: Vec::new(),
        from: Some(user.0),
        from_session: None,
        to_session: None,
        data: serde_json::to_value(typing).map_err(Problem::internal)?,
        expires_at: (call.app.clock)().millis() + WORTH_MS,
    };
    call.app.signals.tell(signal).await;
    Ok(Answer::told())
}
