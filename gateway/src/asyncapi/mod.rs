//! The AsyncAPI 3 document of the sockets, from the types that the frames are made of.

mod commands;
mod events;
mod socket_io;

pub use commands::COMMANDS;
pub use events::{EVENTS, SIGNALS};

use crate::{
    calls::CallSignal,
    hub::SyncPage,
    operations::{
        CallMeant, CustomSignal, EditedMessage, MarkedUpTo, NewAudience, NewCall, NewCallSignal, NewComment,
        NewConversation, NewMessage, NewPresence, NewSignal, NewStory, SettingsUpdate, Silence, Typing, WatchedUsers,
    },
    problem::Problem,
    push::{
        CommentData, ConversationData, DeletedComment, DeletedConversation, EndedStory, FriendshipData, HiddenMessage,
        InviteData, MemberChange, MessageData, OwnSettingsData, ReceiptData, StoryData, StoryView, UserData,
    },
    resource::{Call, Comment, Conversation, Friendship, List, Message, Presence, Receipt, Report, Story},
    session::{Auth, Close, CursorNow, Hello, HelloBody, SignedOn, Sync},
    ws::{Command, Emoji, Pong},
};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

/// The types that frames are made of.
#[derive(OpenApi)]
#[openapi(components(schemas(
    Auth,
    Call,
    CallMeant,
    CallSignal,
    Command,
    Comment,
    CommentData<'_>,
    Conversation,
    ConversationData<'_>,
    CursorNow,
    CustomSignal,
    DeletedComment,
    DeletedConversation,
    EditedMessage,
    Emoji,
    EndedStory,
    Friendship,
    FriendshipData,
    Hello,
    HelloBody,
    HiddenMessage,
    InviteData<'_>,
    List<Presence>,
    MarkedUpTo,
    MemberChange,
    Message,
    MessageData<'_>,
    NewAudience,
    NewCall,
    NewCallSignal,
    NewComment,
    NewConversation,
    NewMessage,
    NewPresence,
    NewSignal,
    OwnSettingsData,
    NewStory,
    Pong,
    Presence,
    Problem,
    Receipt,
    ReceiptData,
    Report,
    SettingsUpdate,
    SignedOn,
    Silence,
    Story,
    StoryData<'_>,
    StoryView,
    Sync,
    SyncPage,
    Typing,
    UserData<'_>,
    WatchedUsers,
)))]
struct Schemas;

const ABOUT: &str = "Text frames, one JSON object each. The server's first frame is `hello`. Credentials: \
    `Authorization: Bearer` on the upgrade, the subprotocols `chatchit.v1, bearer.<token>`, or a first frame `auth`. \
    Resume with `?since=<cursor>` or `data.since` of `auth`: what was missed follows `hello` in position order, each event \
    as it happened but without what has been taken back since (a deleted message is told as its tombstone, an edited text \
    as the latest, what one may no longer see not at all). A cursor is good for whom it was given to. \
    A cursor stands after everything that came before it on the socket. A ping or a pong may tell the cursor of the \
    last push that came: a client that lacks what was written to it before the exchange before is closed with 4008. \
    A command beyond a budget is refused with `rate_limited` and the seconds to wait in `retryAfter`; who goes on all \
    the same is closed with 4029.";

/// The document.
#[must_use]
pub fn document() -> Value {
    let schemas = serde_json::to_value(Schemas::openapi()).unwrap_or_default()["components"]["schemas"].take();
    let mut messages = Map::new();
    let mut operations = Map::new();
    for (name, summary, payload) in server_frames() {
        messages.insert(name.to_owned(), json!({"name": name, "summary": summary, "payload": payload}));
    }
    for (name, summary, schema) in EVENTS {
        messages.insert(name.to_owned(), json!({"name": name, "summary": summary, "payload": push(name, schema)}));
    }
    for (name, summary, schema) in SIGNALS {
        messages.insert(name.to_owned(), json!({"name": name, "summary": summary, "payload": signal(name, schema)}));
    }
    let told: Vec<_> = messages.keys().map(|name| reference(&["channels", "ws", "messages", name])).collect();
    operations.insert(
        "told".to_owned(),
        json!({"action": "send", "channel": reference(&["channels", "ws"]), "messages": told}),
    );
    for command in COMMANDS {
        let name = format!("command.{}", command.name);
        let reply = format!("reply.{}", command.name);
        let heard = json!({"name": command.name, "summary": command.summary, "payload": command.payload()});
        messages.insert(name.clone(), heard);
        messages.insert(reply.clone(), json!({"name": reply, "summary": "It was done.", "payload": command.reply()}));
        let replies = [reply.as_str(), "error"].map(|name| reference(&["channels", "ws", "messages", name]));
        operations.insert(
            name.clone(),
            json!({
                "action": "receive",
                "channel": reference(&["channels", "ws"]),
                "messages": [reference(&["channels", "ws", "messages", &name])],
                "reply": {"channel": reference(&["channels", "ws"]), "messages": replies},
            }),
        );
    }
    let socket_io = socket_io::channel(&mut operations);
    let close_codes = Close::ALL.map(|close| json!({"code": close.code(), "reason": close.reason()}));
    json!({
        "asyncapi": "3.0.0",
        "info": {"title": "ChatChit", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT},
        "defaultContentType": "application/json",
        "channels": {"ws": {
            "address": "/ws",
            "messages": messages,
            "bindings": {"ws": {"method": "GET", "query": {
                "type": "object",
                "properties": {"since": {"type": "string", "description": "The cursor to resume from."}},
            }}},
            "x-close-codes": close_codes,
        }, "socketio": socket_io},
        "operations": operations,
        "components": {"schemas": schemas},
    })
}

/// The frames of the server that are neither pushes nor replies to one command.
fn server_frames() -> [(&'static str, &'static str, Value); 3] {
    let error = json!({"type": "object", "required": ["reply", "error"], "properties": {
        "reply": {"description": "The id of the command; null when the frame had none that could be read."},
        "error": reference(&["components", "schemas", "Problem"]),
    }});
    [
        ("hello", "The first frame.", reference(&["components", "schemas", "Hello"])),
        ("error", "A command was refused, or a frame could not be read.", error),
        ("pong", "The answer to `{\"ping\": n}`.", reference(&["components", "schemas", "Pong"])),
    ]
}

/// The frame of a push.
fn push(name: &str, schema: &str) -> Value {
    json!({
        "type": "object",
        "required": ["event", "position", "cursor", "at", "actorId", "data"],
        "properties": {
            "event": {"const": name},
            "position": {"type": "integer", "description": "The event's place in the one order."},
            "cursor": {"type": "string", "description": "Resume from here to miss nothing after this frame."},
            "at": {"type": "string", "format": "date-time"},
            "actorId": {"type": ["string", "null"], "format": "uuid"},
            "data": reference(&["components", "schemas", schema]),
        },
    })
}

/// The frame of a signal: told once to whoever is connected, and lost on those who read too slowly.
fn signal(name: &str, schema: &str) -> Value {
    json!({
        "type": "object",
        "required": ["signal", "data"],
        "properties": {"signal": {"const": name}, "data": reference(&["components", "schemas", schema])},
    })
}

/// A reference to another place in the document.
fn reference(path: &[&str]) -> Value {
    let path: String = path.iter().map(|segment| format!("/{}", segment.replace('/', "~1"))).collect();
    json!({"$ref": format!("#{path}")})
}

#[cfg(test)]
mod tests;
