//! The AsyncAPI 3 document of the sockets, from the types that the frames are made of.

mod commands;
mod events;
mod fields;
mod parts;
mod socket_io;

pub use events::{EVENTS, SIGNALS};

use crate::{
    session::{Commands, Hello, HelloBody, Registration},
    ws::{Command, Pong},
};
use commands::{frame, reply_frame};
use operations::{
    CustomSignal, NewAudience, Registry,
    schemas::{self, CONTACT, LICENSE},
    texts,
};
use parts::{reference, said};
use protocol::{
    Alert, CallSignal, Close, Typing,
    codes::{self, At},
    problem::Problem,
    resource::{Call, Comment, Conversation, Friendship, Message, Presence, Receipt, Report, Story},
};
use realtime::push::{
    CommentData, ConversationData, DeletedComment, DeletedConversation, EndedStory, FriendshipData, HiddenMessage,
    InviteData, MemberChange, MessageData, OwnSettingsData, ReceiptData, StoryData, StoryView, UserData,
};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

/// The types that frames are made of, beside those of commands.
#[derive(OpenApi)]
#[openapi(components(schemas(
    Alert,
    Call,
    CallSignal,
    Command,
    Comment,
    CommentData<'_>,
    Conversation,
    ConversationData<'_>,
    CustomSignal,
    DeletedComment,
    DeletedConversation,
    EndedStory,
    Friendship,
    FriendshipData,
    Hello,
    HelloBody,
    HiddenMessage,
    InviteData<'_>,
    MemberChange,
    Message,
    MessageData<'_>,
    NewAudience,
    OwnSettingsData,
    Pong,
    Presence,
    Problem,
    Receipt,
    ReceiptData,
    Report,
    Story,
    StoryData<'_>,
    StoryView,
    Typing,
    UserData<'_>,
)))]
struct Schemas;

const ABOUT: &str = "Text frames, one JSON object each. The server's first frame is `hello`. Credentials: \
    `Authorization: Bearer` on the upgrade, the subprotocols `chatchit.v1, bearer.<token>`, or a first frame `auth`. \
    `auth` on an open socket takes a later token of the same session, with which it goes on. \
    Resume with `?since=<cursor>` or `data.since` of `auth`: what was missed follows `hello` in position order, each event \
    as it happened but without what has been taken back since (a deleted message is replayed as its tombstone, an edited text \
    as the latest, what one may no longer see not at all). A cursor is good for whom it was given to. \
    A cursor stands after everything that came before it on the socket. A ping or a pong may tell the cursor of the \
    last push that came: a client that lacks what was written to it before the exchange before is closed with 4008. \
    A command counts as its `x-budget`, as its route does. One beyond a budget is refused with `rate_limited` and the seconds to wait in `retryAfter`; who goes on all \
    the same is closed with 4029. `x-codes` of `Problem.code` lists every word that a command can be refused with. \
    A field of a frame or of `data` that is not known is refused (`unknown_field`), and so is one that is given twice.";

const SENT: &str = "Whatever the server sends: replies, pushes and signals.";

/// The document.
#[must_use]
pub fn document<R: Registry>() -> Value {
    let commands = Commands::of::<R>();
    let mut schemas = Schemas::openapi();
    let mut of_commands = protocol::Schemas::new();
    commands.iter().for_each(|command| (command.describe)(&mut of_commands));
    schemas.components.get_or_insert_default().schemas.extend(of_commands);
    codes::tell(&mut schemas, At::Sockets);
    texts::tell(&mut schemas);
    let mut schemas = match serde_json::to_value(schemas).unwrap_or_default()["components"]["schemas"].take() {
        Value::Object(schemas) => schemas,
        _ => Map::new(),
    };
    let requests = commands.iter().filter_map(|command| (command.body)()).chain(["Command".to_owned()]);
    schemas::complete(&mut schemas, requests.collect());
    let mut messages = Map::new();
    let mut operations = Map::new();
    for (name, summary, payload) in server_frames() {
        messages.insert(name.to_owned(), said(name, summary, payload));
    }
    for &(name, summary, schema) in EVENTS {
        messages.insert(name.to_owned(), said(name, summary, push(name, schema)));
    }
    for &(name, summary, schema) in SIGNALS {
        messages.insert(name.to_owned(), said(name, summary, signal(name, schema)));
    }
    let sent: Vec<_> = messages.keys().map(|name| reference(&["channels", "ws", "messages", name])).collect();
    operations.insert(
        "emitted".to_owned(),
        json!({
            "action": "send", "title": "emitted", "summary": SENT, "description": SENT,
            "channel": reference(&["channels", "ws"]), "messages": sent,
        }),
    );
    for command in commands.iter() {
        let (summary, says) = (short(command), command.summary);
        let name = format!("command.{}", command.name);
        let reply = format!("reply.{}", command.name);
        let mut received = said(command.name, summary, frame(command, &schemas));
        received["description"] = says.into();
        if command.name == "message.send" {
            // With a guid, which makes a repetition the same message.
            let frame = json!({"id": "1", "cmd": command.name, "data": socket_io::example()});
            received["examples"] = json!([{"name": "with a guid", "payload": frame}]);
        }
        messages.insert(name.clone(), received);
        messages.insert(reply.clone(), said(&reply, "It was done.", reply_frame(command)));
        let replies = [reply.as_str(), "error"].map(|name| reference(&["channels", "ws", "messages", name]));
        operations.insert(
            name.clone(),
            json!({
                "action": "receive",
                "title": command.name,
                "summary": summary,
                "description": says,
                "x-budget": command.budget.name(),
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
        "id": "urn:chatchit:sockets",
        "info": {
            "title": "ChatChit",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": LICENSE},
            "contact": {"name": CONTACT},
            "tags": [{"name": "chat", "description": "A realtime chat server."}],
        },
        "servers": servers(),
        "defaultContentType": "application/json",
        "channels": {"ws": {
            "address": "/ws",
            "title": "Raw WebSocket",
            "description": "Text frames of JSON.",
            "servers": [reference(&["servers", "ws"])],
            "messages": messages,
            "bindings": {"ws": {"method": "GET", "query": {
                "type": "object",
                "properties": {"since": {"type": "string", "description": "The cursor to resume from."}},
            }}},
            "x-close-codes": close_codes,
        }, "socketio": socket_io},
        "operations": operations,
        "components": {"schemas": schemas, "securitySchemes": security_schemes()},
    })
}

/// The first sentence of what a command does.
fn short(command: &Registration) -> &'static str {
    let says = command.summary;
    &says[..says.find(". ").map_or(says.len(), |end| end + 1)]
}

/// Where the sockets are: on the server that serves this document.
fn servers() -> Value {
    let scheme = |name: &str| reference(&["components", "securitySchemes", name]);
    let variables = json!({"host": {"default": "localhost:8080", "description": "Where this document comes from."}});
    let server = |protocol: &str, says: &str, security: &[&str]| {
        json!({
            "host": "{host}", "protocol": protocol, "description": says, "variables": variables,
            "security": security.iter().copied().map(scheme).collect::<Vec<_>>(),
        })
    };
    json!({
        "ws": server("ws", "Raw WebSocket; `wss` over TLS.", &["bearer", "subprotocol", "firstFrame"]),
        "socketio": server("socketio", "Socket.IO 5, polling and WebSocket.", &["connect"]),
    })
}

fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "description": "`Authorization: Bearer <token>` on the upgrade.",
        },
        "subprotocol": {
            "type": "httpApiKey", "name": "Sec-WebSocket-Protocol", "in": "header",
            "description": "The subprotocols `chatchit.v1, bearer.<token>`, for browsers.",
        },
        "firstFrame": {
            "type": "apiKey", "in": "password", "description": "`data.token` of a first command `auth`, within 5 seconds.",
        },
        "connect": {"type": "apiKey", "in": "password", "description": "`auth.token` of the CONNECT packet."},
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
    let mut frame = schemas::pushed(&reference(&["components", "schemas", schema]));
    frame["properties"]["event"] = json!({"const": name});
    frame
}

/// The frame of a signal: sent once to everybody connected, and lost on those who read too slowly.
fn signal(name: &str, schema: &str) -> Value {
    json!({
        "type": "object",
        "required": ["signal", "data"],
        "properties": {"signal": {"const": name}, "data": reference(&["components", "schemas", schema])},
    })
}

#[cfg(test)]
mod tests;
