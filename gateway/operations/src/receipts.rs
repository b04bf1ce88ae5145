//! Read and delivery receipts.

use super::{Answer, Operation, Order, Request, Route};
use async_trait::async_trait;
use axum::http::StatusCode;
use commands::UpTo;
use domain::{ConversationId, read_marker::Mark};
use limits::Kind;
use protocol::{
    Problem,
    request::{Faults, Parse},
    resource::Receipt,
};
use serde::Serialize;
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
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = UpTo)]
#[expect(dead_code, reason = "it is there for the document alone")]
enum UpToSchema {
    /// The seq.
    Seq(u64),
    /// The id of the message.
    Message(uuid::Uuid),
}

impl Parse for MarkedUpTo {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { up_to: faults.object(value)?.required("upTo")? })
    }
}

/// `message.read`.
pub struct MarkRead;

#[async_trait]
impl Operation for MarkRead {
    const NAME: &'static str = "message.read";
    const SUMMARY: &'static str = "Everything up to a message has been seen.";
    const BUDGET: Kind = Kind::Receipt;
    const ECHOES: bool = false;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/read", "markRead", "messages"));

    type Target = ConversationId;
    type Body = MarkedUpTo;
    type Output = Receipt;

    fn order(_: &ConversationId, _: &MarkedUpTo) -> Order {
        // A marker only rises, so the order of two does not matter.
        Order::Free
    }

    async fn run(
        conversation: ConversationId,
        MarkedUpTo { up_to }: MarkedUpTo,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        mark(request, conversation, up_to, Mark::Read).await
    }
}

/// `message.delivered`.
pub struct MarkDelivered;

#[async_trait]
impl Operation for MarkDelivered {
    const NAME: &'static str = "message.delivered";
    const SUMMARY: &'static str = "Everything up to a message has reached a device of the caller.";
    const BUDGET: Kind = Kind::Receipt;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/delivered", "markDelivered", "messages"));

    type Target = ConversationId;
    type Body = MarkedUpTo;
    type Output = Receipt;

    fn order(_: &ConversationId, _: &MarkedUpTo) -> Order {
        // A marker only rises, so the order of two does not matter.
        Order::Free
    }

    async fn run(
        conversation: ConversationId,
        MarkedUpTo { up_to }: MarkedUpTo,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        mark(request, conversation, up_to, Mark::Delivered).await
    }
}

async fn mark(request: &Request<'_>, conversation: ConversationId, up_to: UpTo, mark: Mark) -> Result<Answer, Problem> {
    // Nothing arrives at somebody who does not want to seem to be here. The next mark makes up for it.
    let (ctx, commands, user) = (request.context(), &request.app.commands, request.caller.user);
    let done = match request.app.presences.is_hidden(user).await? {
        true => commands.mark_unseen(&ctx, conversation, up_to, mark).await?,
        false => commands.mark(&ctx, conversation, up_to, mark).await?,
    };
    let (read_seq, delivered_seq) = (done.state.read(), done.state.delivered());
    let seq = match mark {
        Mark::Read => read_seq,
        Mark::Delivered => delivered_seq,
    };
    let receipt = Receipt { conversation_id: conversation, user_id: user, seq, read_seq, delivered_seq };
    Answer::with(StatusCode::OK, &receipt, &done.receipt)
}
