//! Messages: post, edit, remove, react.

use super::{Answer, Call, InConversation, OnMessage, WithEmoji};
use crate::{
    Problem,
    request::{Faults, Nothing, Parse},
    resource::{Message, Person},
};
use axum::http::StatusCode;
use commands::{Done, SendMessage};
use domain::{
    MessageId, UserId,
    message::{self, Attachment, MessageContent, MessageType},
    text::MessageBody,
};
use projections::queries::MessageRow;
use serde_json::Value;
use utoipa::ToSchema;

/// A message to post.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewMessage {
    /// The id it is to have: the same one again with the same content answers the first message.
    #[schema(value_type = Option<Uuid>)]
    pub guid: Option<MessageId>,
    /// `TEXT` when absent.
    #[schema(value_type = Option<String>, example = "TEXT")]
    pub message_type: MessageType,
    /// The text, at most 8 KiB; may be absent beside attachments.
    #[schema(value_type = Option<String>)]
    pub content: MessageBody,
    /// At most 20.
    #[schema(value_type = Option<Vec<crate::resource::Attachment>>)]
    pub attachments: Vec<Attachment>,
    /// A message of the same conversation.
    #[schema(value_type = Option<Uuid>)]
    pub reply_to: Option<MessageId>,
    /// Members of the conversation, at most 100.
    #[schema(value_type = Option<Vec<Uuid>>)]
    pub mentions: Vec<UserId>,
}

impl Parse for NewMessage {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let guid = object.optional("guid");
        let message_type = object.optional("messageType").unwrap_or_default();
        let content = object.optional("content").or_else(|| MessageBody::parse("").ok());
        let attachments = object.optional("attachments").unwrap_or_default();
        let reply_to = object.optional("replyTo");
        let mentions = object.optional("mentions").unwrap_or_default();
        Some(Self { guid, message_type, content: content?, attachments, reply_to, mentions })
    }
}

/// The new text of a message.
#[derive(Clone, Debug, ToSchema)]
pub struct EditedMessage {
    /// The text, at most 8 KiB.
    #[schema(value_type = String)]
    pub content: MessageBody,
}

impl Parse for EditedMessage {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { content: faults.object(value)?.required("content")? })
    }
}

/// Posts a message. The answer is built from what was stored, without waiting for the read models.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn send(call: &Call<'_>, request: InConversation<NewMessage>) -> Result<Answer, Problem> {
    let InConversation { conversation, body } = request;
    let NewMessage { guid, message_type, content, attachments, reply_to, mentions } = body;
    let content = MessageContent { body: content, attachments };
    let request = SendMessage { id: guid, conversation, message_type, content, reply_to, mentions };
    let done = call.app.commands.send_message(&call.context(), request).await?;
    call.app.typing.stop(conversation, call.caller.user).await;
    match done.state.posted() {
        Some(posted) if done.receipt.version == 1 => {
            let sender = call.app.commands.user(posted.sender).await?.state;
            let sender = Person::of(posted.sender, &sender);
            let message = Message::sent(MessageId(done.id), posted, sender, &done.receipt);
            Answer::with(StatusCode::CREATED, &message, &done.receipt)
        }
        _ => shown(call, StatusCode::CREATED, &done).await,
    }
}

/// Replaces the text of one's own message.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn edit(call: &Call<'_>, request: OnMessage<EditedMessage>) -> Result<Answer, Problem> {
    let OnMessage { message, body } = request;
    let done = call.app.commands.edit_message(&call.context(), message, body.content).await?;
    shown(call, StatusCode::OK, &done).await
}

/// Removes a message for everybody.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn delete_message(call: &Call<'_>, request: OnMessage<Nothing>) -> Result<Answer, Problem> {
    let done = call.app.commands.delete_message(&call.context(), request.message).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Removes a message for oneself.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn hide(call: &Call<'_>, request: OnMessage<Nothing>) -> Result<Answer, Problem> {
    let done = call.app.commands.hide_message(&call.context(), request.message).await?;
    Ok(Answer::nothing(&done.receipt))
}

/// Reacts to a message.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn react(call: &Call<'_>, request: OnMessage<WithEmoji>) -> Result<Answer, Problem> {
    let done = call.app.commands.react(&call.context(), request.message, request.body.emoji).await?;
    shown(call, StatusCode::OK, &done).await
}

/// Takes one's reaction off a message.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn unreact(call: &Call<'_>, request: OnMessage<WithEmoji>) -> Result<Answer, Problem> {
    let done = call.app.commands.unreact(&call.context(), request.message, request.body.emoji).await?;
    shown(call, StatusCode::OK, &done).await
}

async fn shown(call: &Call<'_>, status: StatusCode, done: &Done<message::Message>) -> Result<Answer, Problem> {
    let row = call.app.queries.message(call.caller.user, MessageId(done.id));
    call.shown::<Message, MessageRow>(status, &done.receipt, done.id, row).await
}
