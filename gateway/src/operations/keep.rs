//! How the caller keeps a conversation.

use super::{Answer, Call, InConversation};
use crate::{
    Problem,
    request::{Faults, Nothing, Parse},
    resource::Conversation,
};
use axum::http::StatusCode;
use domain::{Timestamp, own_settings::OwnSettingsAct as Act};
use projections::queries::ConversationRow;
use serde_json::Value;
use utoipa::ToSchema;

/// Until when a conversation is to be silent.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Silence {
    /// Until then; for good when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

impl Parse for Silence {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { until: faults.object(value)?.optional("until") })
    }
}

/// The caller wants to hear nothing of a conversation.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn mute(call: &Call<'_>, request: InConversation<Silence>) -> Result<Answer, Problem> {
    let InConversation { conversation, body: Silence { until } } = request;
    shown(call, InConversation { conversation, body: Nothing }, Act::Mute { until }).await
}

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident => $act:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// The [`Problem`] to answer.
        pub async fn $name(call: &Call<'_>, request: InConversation<Nothing>) -> Result<Answer, Problem> {
            shown(call, request, Act::$act).await
        }
    )*};
}
acts! {
    /// The caller wants to hear of a conversation again.
    unmute => Unmute;
    /// The caller puts a conversation away; a later message brings it back, unless it is muted.
    archive => Archive;
    /// The caller takes a conversation out again.
    unarchive => Unarchive;
}

/// The caller wants to see nothing any more of what was said so far.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn clear(call: &Call<'_>, request: InConversation<Nothing>) -> Result<Answer, Problem> {
    let done = call.app.commands.keep(&call.context(), request.conversation, Act::Clear).await?;
    Ok(Answer::nothing(&done.receipt))
}

async fn shown(call: &Call<'_>, request: InConversation<Nothing>, act: Act) -> Result<Answer, Problem> {
    let id = request.conversation;
    let done = call.app.commands.keep(&call.context(), id, act).await?;
    let row = call.app.queries.conversation(call.caller.user, id, (call.app.clock)());
    call.shown::<Conversation, ConversationRow>(StatusCode::OK, &done.receipt, id.0, row).await
}
