//! What was read, and what has arrived.

use super::{Answer, Call, InConversation};
use crate::{
    Problem,
    request::{Faults, Parse},
    resource::Receipt,
};
use axum::http::StatusCode;
use commands::UpTo;
use domain::read_marker::Mark;
use serde_json::Value;
use utoipa::ToSchema;

/// Up to where something was read, or has arrived.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MarkedUpTo {
    /// A seq, or the id of a message. A seq beyond the last means the last.
    #[schema(value_type = UpToSchema)]
    pub up_to: UpTo,
}

/// A seq, or the id of a message.
#[derive(ToSchema)]
#[schema(as = UpTo)]
#[expect(dead_code, reason = "it is there for the document alone")]
enum UpToSchema {
    #[schema(title = "Seq")]
    Seq(u64),
    #[schema(title = "MessageId")]
    Message(uuid::Uuid),
}

impl Parse for MarkedUpTo {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { up_to: faults.object(value)?.required("upTo")? })
    }
}

/// Everything up to a message has been seen.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn read(call: &Call<'_>, request: InConversation<MarkedUpTo>) -> Result<Answer, Problem> {
    mark(call, request, Mark::Read).await
}

/// Everything up to a message has reached a device of the caller.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn delivered(call: &Call<'_>, request: InConversation<MarkedUpTo>) -> Result<Answer, Problem> {
    mark(call, request, Mark::Delivered).await
}

async fn mark(call: &Call<'_>, request: InConversation<MarkedUpTo>, mark: Mark) -> Result<Answer, Problem> {
    let InConversation { conversation, body } = request;
    // Nothing arrives at somebody who does not want to seem to be here. The next mark makes up for it.
    let (ctx, commands) = (call.context(), &call.app.commands);
    let done = match call.app.presences.is_hidden(call.caller.user).await? {
        true => commands.mark_unseen(&ctx, conversation, body.up_to, mark).await?,
        false => commands.mark(&ctx, conversation, body.up_to, mark).await?,
    };
    let (read_seq, delivered_seq) = (done.state.read(), done.state.delivered());
    let seq = match mark {
        Mark::Read => read_seq,
        Mark::Delivered => delivered_seq,
    };
    let receipt = Receipt { conversation_id: conversation, user_id: call.caller.user, seq, read_seq, delivered_seq };
    Answer::with(StatusCode::OK, &receipt, &done.receipt)
}
