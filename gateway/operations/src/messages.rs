//! Messages: send, edit, delete, react.

use super::{Answer, Operation, Request, Route};
use crate::App;
use async_trait::async_trait;
use axum::http::StatusCode;
use commands::Done;
use domain::{
    AggregateType, ConversationId, FileId, MessageId, UserId,
    file::LinkTarget,
    message::{self, Attachment, MAX_ATTACHMENTS, MessageContent, MessageType},
    text::{Emoji, Link, MessageBody},
};
use limits::Kind;
use projections::{
    Projection,
    queries::{MessageRow, QueryError},
};
use protocol::{
    Problem,
    request::{Faults, Guid, Nothing, Parse},
    resource::{Message, OrId, Person},
};
use serde_json::Value;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A message to post.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewMessage {
    /// The id it is to have: the same one again with the same content answers the first message. Always send one, so that
    /// a repetition is not a second message. `Idempotency-Key` (`key`) holds beside it.
    #[schema(value_type = Option<Uuid>)]
    pub guid: Option<MessageId>,
    /// `TEXT`, `IMAGE`, `FILE` or `VIDEO`; `TEXT` when absent. The records of calls (`CALL`) are the server's own.
    #[schema(value_type = Option<String>, example = "TEXT")]
    pub message_type: MessageType,
    /// The text. Something in it must show; beside attachments it may be absent, unless the type is `TEXT`. It is kept as
    /// it is written.
    #[schema(value_type = Option<String>)]
    pub content: MessageBody,
    /// At most 20.
    #[schema(value_type = Option<Vec<NewAttachment>>)]
    pub attachments: Vec<Attachment>,
    /// A message of the same conversation.
    #[schema(value_type = Option<Uuid>)]
    pub reply_to: Option<MessageId>,
    /// Members of the conversation, at most 100.
    #[schema(value_type = Option<Vec<Uuid>>)]
    pub mentions: Vec<UserId>,
}

/// A file to attach. What is said of a file of this server gives way to what is stored.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is there for the document alone: the domain reads its own")]
struct NewAttachment {
    /// Where it lies: a path of this server, or a link to a host that it allows.
    file_url: String,
    /// Where a small picture of it lies.
    thumb_url: Option<String>,
    /// The name of the file.
    name: Option<String>,
    /// Its size in bytes.
    size: Option<u64>,
    /// Its media type.
    mime: Option<String>,
}

impl Parse for NewMessage {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let guid = object.optional::<Guid>("guid").map(|guid| MessageId(guid.0));
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
    /// The text, at most 8,192 characters (in NFC) of at most 32 KiB.
    #[schema(value_type = String)]
    pub content: MessageBody,
}

impl Parse for EditedMessage {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { content: faults.object(value)?.required("content")? })
    }
}

/// A reaction to put on.
#[derive(Clone, Debug, ToSchema)]
#[schema(as = Emoji)]
pub struct WithEmoji {
    /// How: one emoji that Unicode recommends for interchange (RGI), with or without its selectors of presentation.
    #[schema(value_type = String)]
    pub emoji: Emoji,
}

impl Parse for WithEmoji {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { emoji: faults.object(value)?.required("emoji")? })
    }
}

/// A reaction to take back, which may have been made when other texts than emoji were reactions.
#[derive(Clone, Debug, ToSchema)]
#[schema(as = Emoji)]
pub struct TakenBack {
    /// How: one emoji that Unicode recommends for interchange (RGI), with or without its selectors of presentation.
    #[schema(value_type = String)]
    pub emoji: Emoji,
}

impl Parse for TakenBack {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { emoji: faults.object(value)?.required::<Former>("emoji")?.0 })
    }
}

struct Former(Emoji);

impl Parse for Former {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let text = faults.text(value)?;
        faults.checked(Emoji::claimed(text)).map(Self)
    }
}

/// `message.send`. The answer is built from what was stored, without waiting for the read models.
pub struct SendMessage;

#[async_trait]
impl Operation for SendMessage {
    const NAME: &'static str = "message.send";
    const SUMMARY: &'static str = "Posts a message.";
    const BUDGET: Kind = Kind::Send;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/messages", "sendMessage", "messages").creates());

    type Target = ConversationId;
    type Body = NewMessage;
    type Output = OrId<Message>;

    async fn run(
        conversation: ConversationId,
        NewMessage { guid, message_type, content, attachments, reply_to, mentions }: NewMessage,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let content = MessageContent { body: content, attachments };
        let seen = others_files(request, &content.attachments).await?;
        let message = commands::SendMessage { id: guid, conversation, message_type, content, reply_to, mentions, seen };
        let done = request.app.commands.send_message(&request.context(), message).await?;
        request.app.typing.stop(conversation, request.caller.user).await;
        match done.state.posted() {
            Some(posted) if done.receipt.version == 1 => {
                let sender = request.app.commands.user(posted.sender).await?.state;
                let sender = Person::of(posted.sender, &sender);
                let message = Message::sent(MessageId(done.id), posted, sender, &done.receipt);
                Answer::with(StatusCode::CREATED, &message, &done.receipt)
            }
            _ => shown(request, StatusCode::CREATED, &done).await,
        }
    }
}

/// The links among the attachments to files of others that the caller sees. What came over a socket may not be in the read
/// models yet: they are waited for once.
async fn others_files(request: &Request<'_>, attachments: &[Attachment]) -> Result<BTreeSet<Link>, Problem> {
    let (app, user) = (request.app, request.caller.user);
    let mut links: Vec<&Link> = Vec::new();
    for attachment in attachments.iter().take(MAX_ATTACHMENTS) {
        links.push(&attachment.file_url);
        links.extend(attachment.thumb_url.as_ref());
    }
    let (mut seen, mut has_waited) = (BTreeSet::new(), false);
    for link in links {
        let Some(id) = LinkTarget::of(link).file() else { continue };
        let file = app.commands.file(id).await?.state;
        if !file.is_stored() || file.by() == user || seen.contains(link) {
            continue;
        }
        let mut is_seen = sees(app, user, id, link).await?;
        if !is_seen && !has_waited {
            has_waited = true;
            let head = app.store.head().await?.position;
            app.progress.wait(head, &Projection::ALL, app.config.wait).await;
            is_seen = sees(app, user, id, link).await?;
        }
        if is_seen {
            seen.insert(link.clone());
        }
    }
    Ok(seen)
}

/// Whether `user` sees something that refers to the file, or to its thumbnail, whichever `link` leads to.
async fn sees(app: &App, user: UserId, id: FileId, link: &Link) -> Result<bool, Problem> {
    let is_thumb = link.as_str() == id.thumb_url();
    match app.queries.file(user, id, is_thumb, (app.clock)()).await {
        Ok(_) => Ok(true),
        Err(QueryError::NotFound) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// `message.edit`.
pub struct EditMessage;

#[async_trait]
impl Operation for EditMessage {
    const NAME: &'static str = "message.edit";
    const SUMMARY: &'static str = "Replaces the text of one's own message.";
    const BUDGET: Kind = Kind::Message;
    const ROUTE: Option<Route> = Some(Route::patch("/messages/{id}", "editMessage", "messages"));

    type Target = MessageId;
    type Body = EditedMessage;
    type Output = OrId<Message>;

    async fn run(message: MessageId, edited: EditedMessage, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.edit_message(&request.context(), message, edited.content).await?;
        shown(request, StatusCode::OK, &done).await
    }
}

/// Where a message is.
#[derive(Clone, Copy, Debug, Default, ToSchema)]
pub struct Whereabouts {
    /// Its conversation, which may be left out. In another one there is no such message.
    #[schema(rename = "conversationId", value_type = Option<Uuid>)]
    pub conversation: Option<ConversationId>,
}

impl Parse for Whereabouts {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { conversation: faults.object(value)?.optional("conversationId") })
    }
}

/// `message.delete`.
pub struct DeleteMessage;

#[async_trait]
impl Operation for DeleteMessage {
    const NAME: &'static str = "message.delete";
    const SUMMARY: &'static str = "Removes a message for everybody.";
    const BUDGET: Kind = Kind::Message;
    const ECHOES: bool = false;

    type Target = MessageId;
    type Body = Whereabouts;
    type Output = Nothing;

    async fn run(
        message: MessageId,
        Whereabouts { conversation }: Whereabouts,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        request.is_in(AggregateType::Message, message.0, conversation).await?;
        let done = request.app.commands.delete_message(&request.context(), message).await?;
        Ok(Answer::nothing(&done.receipt))
    }
}

/// `message.hide`.
pub struct HideMessage;

#[async_trait]
impl Operation for HideMessage {
    const NAME: &'static str = "message.hide";
    const SUMMARY: &'static str = "Removes a message for oneself.";
    const BUDGET: Kind = Kind::Message;
    const ECHOES: bool = false;

    type Target = MessageId;
    type Body = Whereabouts;
    type Output = Nothing;

    async fn run(
        message: MessageId,
        Whereabouts { conversation }: Whereabouts,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        request.is_in(AggregateType::Message, message.0, conversation).await?;
        let done = request.app.commands.hide_message(&request.context(), message).await?;
        Ok(Answer::nothing(&done.receipt))
    }
}

/// `message.react`.
pub struct React;

#[async_trait]
impl Operation for React {
    const NAME: &'static str = "message.react";
    const SUMMARY: &'static str = "Reacts to a message.";
    const BUDGET: Kind = Kind::Message;

    type Target = MessageId;
    type Body = WithEmoji;
    type Output = OrId<Message>;

    async fn run(message: MessageId, WithEmoji { emoji }: WithEmoji, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.react(&request.context(), message, emoji).await?;
        shown(request, StatusCode::OK, &done).await
    }
}

/// `message.unreact`.
pub struct Unreact;

#[async_trait]
impl Operation for Unreact {
    const NAME: &'static str = "message.unreact";
    const SUMMARY: &'static str = "Takes one's reaction off a message.";
    const BUDGET: Kind = Kind::Message;

    type Target = MessageId;
    type Body = TakenBack;
    type Output = OrId<Message>;

    async fn run(message: MessageId, TakenBack { emoji }: TakenBack, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.unreact(&request.context(), message, emoji).await?;
        shown(request, StatusCode::OK, &done).await
    }
}

/// `message.pin`.
pub struct Pin;

#[async_trait]
impl Operation for Pin {
    const NAME: &'static str = "message.pin";
    const SUMMARY: &'static str = "Pins a message in its conversation, of which at most 100 are pinned: for members of a direct conversation and \
         leads of a group.";
    const BUDGET: Kind = Kind::Message;
    const ROUTE: Option<Route> = Some(Route::put("/messages/{id}/pin", "pinMessage", "messages"));

    type Target = MessageId;
    type Body = Nothing;
    type Output = OrId<Message>;

    async fn run(message: MessageId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let pinned = request.app.queries.pinned_beside(message).await?;
        let done = request.app.commands.pin_message(&request.context(), message, pinned).await?;
        shown(request, StatusCode::OK, &done).await
    }
}

/// `message.unpin`.
pub struct Unpin;

#[async_trait]
impl Operation for Unpin {
    const NAME: &'static str = "message.unpin";
    const SUMMARY: &'static str = "Unpins a message.";
    const BUDGET: Kind = Kind::Message;
    const ROUTE: Option<Route> = Some(Route::delete("/messages/{id}/pin", "unpinMessage", "messages"));

    type Target = MessageId;
    type Body = Nothing;
    type Output = OrId<Message>;

    async fn run(message: MessageId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let done = request.app.commands.unpin_message(&request.context(), message).await?;
        shown(request, StatusCode::OK, &done).await
    }
}

async fn shown(request: &Request<'_>, status: StatusCode, done: &Done<message::Message>) -> Result<Answer, Problem> {
    let row = request.app.queries.message(request.caller.user, MessageId(done.id));
    request.shown::<Message, MessageRow>(status, &done.receipt, done.id, row).await
}
