//! Messages, reactions and read markers.

use super::{
    answer::{LATER, written},
    budget::counted,
    page::Parameters,
    request::{Id, OneConversation, OneMessage, ReaderOf, Writer, id_in_path},
};
use crate::HttpApp;
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use domain::{
    ConversationId, MessageId,
    text::{Emoji, Invalid},
};
use limits::Kind;
use operations::{
    App, Operation as _,
    messages::{DeleteMessage, HideMessage, React, TakenBack, Unreact, Whereabouts, WithEmoji},
    run,
};
use projections::queries::{MessageWindow, PAGE_BYTES};
use protocol::{
    Problem,
    resource::{List, Message, MessageReceipt, Stored},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(counted(DeleteMessage::BUDGET, routes!(delete)))
        .routes(routes!(receipts))
        .routes(routes!(pins))
        .routes(counted(React::BUDGET, routes!(react, unreact)))
}

/// Messages of a conversation, newest first.
#[utoipa::path(
    get, path = "/conversations/{id}/messages", operation_id = "listMessages", tag = "messages",
    params(
        ("id" = Uuid, Path),
        ("before" = Option<u64>, Query, description = "the nearest older than this seq"),
        ("after" = Option<String>, Query, description = "the nearest newer than this seq; or the `next` of a page"),
        ("around" = Option<u64>, Query, description = "those on both sides of this seq, it included"),
        ("html" = Option<bool>, Query, description = "whether to add `contentHtml`: the text as sanitised HTML"),
        ("limit" = Option<u32>, Query),
    ),
    responses((status = 200, body = List<Message>))
)]
async fn list(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<OneConversation>,
    Id(conversation): Id<ConversationId>,
    parameters: Parameters,
) -> Result<Json<List<Message>>, Problem> {
    let (window, limit) = (window(&parameters)?, parameters.limit()?);
    let html = wants_html(&parameters)?;
    if html {
        app.limits.charge(Kind::Read, caller.ip, Some(caller.user), HTML_COST).await?;
    }
    let page = app.queries.messages(caller.user, conversation, window, limit).await?;
    let newer = matches!(window, MessageWindow::After(_));
    let mut list = List::<Message>::of(page);
    if html {
        list = app.compute.run(caller.user, move || with_html(list, newer, PAGE_BYTES)).await?;
    }
    let towards = if newer { NEWER } else { OLDER };
    list.next = list.next.map(|seq| parameters.key().seal(format!("{towards}{seq}").as_bytes()));
    Ok(Json(list))
}

/// What a page with HTML costs beside what it costs without, in reads.
const HTML_COST: u32 = 19;

/// The page with HTML, as far as `room` bytes of it reach; one message at least. What is nearest to where the page
/// begins is kept, and `next` goes on after it.
fn with_html(list: List<Message>, newer: bool, room: usize) -> List<Message> {
    let List { mut items, next } = list;
    let all = items.len();
    if newer {
        items.reverse();
    }
    let (mut taken, mut kept) = (0, Vec::with_capacity(all));
    for message in items {
        let message = message.with_html();
        taken += message.content_html.as_ref().map_or(0, String::len);
        if taken > room && !kept.is_empty() {
            break;
        }
        kept.push(message);
    }
    let next = match kept.last() {
        Some(last) if kept.len() < all => Some(last.seq.to_string()),
        _ => next,
    };
    if newer {
        kept.reverse();
    }
    List { items: kept, next }
}

fn wants_html(parameters: &Parameters) -> Result<bool, Problem> {
    parameters.one_of("html", &[("false", false), ("true", true)])
}

/// What `next` begins with: so that sent as `after`, it goes on in its own direction.
const OLDER: &str = "older.";
const NEWER: &str = "newer.";

fn window(parameters: &Parameters) -> Result<MessageWindow, Problem> {
    let seq = |name| parameters.parsed::<u64>(name, "a seq: a whole number");
    let said = parameters.get("after").and_then(|next| String::from_utf8(parameters.key().open(next)?).ok());
    let next = |direction| said.as_deref().and_then(|said| said.strip_prefix(direction)?.parse().ok());
    if let Some(seq) = next(OLDER) {
        return Ok(MessageWindow::Before(seq));
    }
    if let Some(seq) = next(NEWER) {
        return Ok(MessageWindow::After(seq));
    }
    // As in every list, an empty `after` is the first page.
    let after = if parameters.get("after").is_some() { seq("after")? } else { None };
    match (seq("before")?, after, seq("around")?) {
        (None, None, None) => Ok(MessageWindow::Latest),
        (Some(seq), None, None) => Ok(MessageWindow::Before(seq)),
        (None, Some(seq), None) => Ok(MessageWindow::After(seq)),
        (None, None, Some(seq)) => Ok(MessageWindow::Around(seq)),
        _ => Err(Problem::field("before", "ambiguous", "only one of before, after and around can be given")),
    }
}

/// A message.
#[utoipa::path(
    get, path = "/messages/{id}", operation_id = "getMessage", tag = "messages",
    params(
        ("id" = Uuid, Path),
        ("html" = Option<bool>, Query, description = "whether to add `contentHtml`: the text as sanitised HTML"),
    ),
    responses((status = 200, body = Message))
)]
async fn one(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<OneMessage>,
    Id(message): Id<MessageId>,
    parameters: Parameters,
) -> Result<Json<Message>, Problem> {
    let html = wants_html(&parameters)?;
    let message = Message::from(app.queries.message(caller.user, message).await?);
    if html {
        return Ok(Json(app.compute.run(caller.user, || message.with_html()).await?));
    }
    Ok(Json(message))
}

/// The pinned messages of a conversation; the last one pinned comes first.
#[utoipa::path(
    get, path = "/conversations/{id}/pins", operation_id = "listPins", tag = "messages",
    params(("id" = Uuid, Path), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Message>))
)]
async fn pins(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<OneConversation>,
    Id(conversation): Id<ConversationId>,
    parameters: Parameters,
) -> Result<Json<List<Message>>, Problem> {
    let page = app.queries.pins(caller.user, conversation, &parameters.page()?).await?;
    Ok(Json(List::of(page)))
}

/// To whom a message has come, and who has read it. Who set the preference `readReceipts` to false has received it.
#[utoipa::path(
    get, path = "/messages/{id}/receipts", operation_id = "listReceipts", tag = "messages",
    params(("id" = Uuid, Path), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<MessageReceipt>))
)]
async fn receipts(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<OneMessage>,
    Id(message): Id<MessageId>,
    parameters: Parameters,
) -> Result<Json<List<MessageReceipt>>, Problem> {
    Ok(Json(List::of(app.queries.receipts(caller.user, message, &parameters.page()?).await?)))
}

/// For whom a message is removed.
#[derive(Clone, Copy)]
enum Removed {
    ForMe,
    ForEveryone,
}

/// Removes a message, for everybody or for oneself.
#[utoipa::path(
    delete, path = "/messages/{id}", operation_id = "deleteMessage", tag = "messages",
    params(
        ("id" = Uuid, Path), ("for" = Option<String>, Query, description = "`everyone` (when absent) or `me`"),
    ),
    responses((status = 204))
)]
async fn delete(
    State(app): State<App>,
    writer: Writer,
    Id(message): Id<MessageId>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let request = writer.request(&app)?;
    let answer = match parameters.one_of("for", &[("everyone", Removed::ForEveryone), ("me", Removed::ForMe)])? {
        Removed::ForEveryone => run::<DeleteMessage>(message, Whereabouts::default(), &request).await?,
        Removed::ForMe => run::<HideMessage>(message, Whereabouts::default(), &request).await?,
    };
    Ok(written(&app, answer).await)
}

type ReactionPath = Result<Path<(String, String)>, PathRejection>;

/// The message and the reaction of a path, the reaction read by `parse`.
fn on_reaction(
    path: ReactionPath,
    parse: impl FnOnce(&str) -> Result<Emoji, Invalid>,
) -> Result<(MessageId, Emoji), Problem> {
    let Path((message, emoji)) = path.map_err(|_| Problem::malformed("the address is not UTF-8"))?;
    let message = id_in_path("id", &message)?;
    let emoji = parse(&emoji).map_err(|invalid| Problem::field("emoji", invalid.code, invalid.detail))?;
    Ok((message.into(), emoji))
}

/// Reacts to a message.
#[utoipa::path(
    put, path = "/messages/{id}/reactions/{emoji}", operation_id = "addReaction", tag = "messages",
    params(("id" = Uuid, Path), ("emoji" = String, Path)), 
    responses((status = 200, body = Message), (status = 202, description = LATER, body = Stored))
)]
async fn react(State(app): State<App>, writer: Writer, path: ReactionPath) -> Result<Response, Problem> {
    let (message, emoji) = on_reaction(path, Emoji::parse)?;
    let answer = run::<React>(message, WithEmoji { emoji }, &writer.request(&app)?).await?;
    Ok(written(&app, answer).await)
}

/// Takes one's reaction off a message.
#[utoipa::path(
    delete, path = "/messages/{id}/reactions/{emoji}", operation_id = "removeReaction", tag = "messages",
    params(("id" = Uuid, Path), ("emoji" = String, Path)), 
    responses((status = 200, body = Message), (status = 202, description = LATER, body = Stored))
)]
async fn unreact(State(app): State<App>, writer: Writer, path: ReactionPath) -> Result<Response, Problem> {
    let (message, emoji) = on_reaction(path, Emoji::claimed)?;
    let answer = run::<Unreact>(message, TakenBack { emoji }, &writer.request(&app)?).await?;
    Ok(written(&app, answer).await)
}
