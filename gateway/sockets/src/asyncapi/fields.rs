//! The types of the fields of Socket.IO's events: by reference to the Rust types, where these have them.

use super::parts::reference;
use serde_json::{Map, Value, json};

/// A field of a schema.
fn of(schema: &str, field: &str) -> Value {
    reference(&["components", "schemas", schema, "properties", field])
}

fn schema(name: &str) -> Value {
    reference(&["components", "schemas", name])
}

pub(super) fn id() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn id_or_null() -> Value {
    json!({"type": ["string", "null"], "format": "uuid"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn number() -> Value {
    json!({"type": "integer", "format": "int64", "minimum": 0})
}

fn word(word: &str) -> Value {
    json!({"const": word})
}

/// What was sent, whatever it was.
fn echo() -> Value {
    json!({"description": "As it was sent; null when it was not."})
}

/// The type of a field of an event that clients (`client`) or the server (`server`) emit; `None` for a name that is unknown.
pub(super) fn of_event(side: &str, event: &str, field: &str) -> Option<Value> {
    let of_field = match (side, event, field) {
        ("client", "cmd", "cmd") => text(),
        ("client", "cmd", "key") => of("Command", "key"),
        ("client", "cmd", "data") => json!({"description": "As `data` of the command on `/ws`."}),
        ("client", "sendMessage", "conversationId") => id(),
        ("client", "sendMessage", field) => of("NewMessage", field),
        ("client", "messageRead", "messageId") => of("MarkedUpTo", "upTo"),
        ("client", "callUser", "callType") => of("NewCall", "callType"),
        ("client", "callSignal", field) => of("NewCallSignal", field),
        ("client", "presence", field) => of("NewPresence", field),
        ("client", "broadcastEvent", "event") => of("NewSignal", "name"),
        ("client", "broadcastEvent", "excludeSelf") => of("NewSignal", "excludeSelf"),
        ("client", "deleteMessage", "deleteForEveryone") | ("client", "typing", "isTyping") => {
            json!({"type": "boolean"})
        }
        ("server", "error", "event") => json!({"description": "The event that failed, or the command of `cmd`."}),
        ("server", "close", "code") => json!({"type": "integer", "description": "As close codes on `/ws`."}),
        ("server", "messageQueued" | "deleteMessageQueued", "status") => word("queued"),
        ("server", "messageProcessed", "status") => word("success"),
        ("server", "messageProcessed", "position") => number(),
        ("server", "joinedGroup", "status") => of("MyMembership", "myStatus"),
        ("server", "closeCall", "status") => of("Call", "status"),
        ("server", "closeCall", "reason") => of("Call", "endReason"),
        ("server", "userPresenceUpdate", field @ ("userId" | "status" | "text" | "until" | "lastSeen" | "chosen")) => {
            of("Presence", field)
        }
        ("server", "callSignal", field) => of("CallSignal", field),
        ("server", "sendMessageError", "tempId") => json!({"type": ["string", "null"]}),
        ("server", "deleteMessageError", "messageId")
        | ("server", "callUserError" | "userNotOnline", "conversationId")
        | ("server", "joinGroupError", "groupId")
        | ("server", "deleteMessageQueued", "messageId")
        | ("server", "joinedGroup", "groupId") => echo(),
        ("server", "messageComing", "content") => of("MessagePush", "content"),
        ("server", _, "callType") => of("Call", "callType"),
        (_, _, "conversationId" | "groupId" | "callId" | "messageId" | "userId" | "senderId" | "readBy") => id(),
        (_, _, "deletedBy" | "answeredBy" | "refusedBy" | "closedBy" | "actorId") => id_or_null(),
        (_, _, "at" | "timestamp" | "deletedAt" | "readAt" | "closedAt") => time(),
        (_, _, "isTyping" | "deleteForEveryone") => json!({"type": "boolean"}),
        (_, _, "position" | "seq") => number(),
        (_, _, "signalData" | "payload") => json!({"description": "Any JSON."}),
        (_, _, "problem") => schema("Problem"),
        (_, _, "callerInfo" | "user") => schema("UserRef"),
        (_, _, "users") => json!({"type": "array", "items": schema("Presence")}),
        (_, _, "requestId") => json!({"type": ["string", "null"], "format": "uuid"}),
        (_, _, "cursor" | "code" | "message" | "reason" | "tempId") => text(),
        _ => return None,
    };
    Some(of_field)
}

/// The answer of a command: the resource of this name, if it has one, or its id alone where read models may lag behind,
/// and the position of the command's last event.
pub(super) fn changed(resource: Option<&str>, may_lag: bool) -> Value {
    let position = json!({
        "type": "object",
        "description": "The position of the command's last event; absent when nothing changed.",
        "properties": {"position": number()},
    });
    let resource = resource.map(|name| match may_lag {
        true => json!({"anyOf": [schema(name), schema("Stored")]}),
        false => schema(name),
    });
    let parts: Vec<_> = resource.into_iter().chain([position]).collect();
    json!({"allOf": parts})
}

/// What the callback of an event gets when it was done: `status` `success`, and these.
fn done(event: &str) -> Map<String, Value> {
    let shape = |fields: &[(&str, Value)]| {
        let properties: Map<_, _> = fields.iter().map(|(name, field)| ((*name).to_owned(), field.clone())).collect();
        json!({"type": "object", "required": properties.keys().collect::<Vec<_>>(), "properties": properties})
    };
    let position =
        || ("position".to_owned(), json!({"type": ["integer", "null"], "description": "Of its last event."}));
    let fields = match event {
        "sendMessage" => vec![
            ("tempId".to_owned(), text()),
            ("messageId".to_owned(), id()),
            position(),
            ("message".to_owned(), schema("Message")),
        ],
        "deleteMessage" => vec![("messageId".to_owned(), echo()), ("ok".to_owned(), json!({"type": "object"}))],
        "joinGroup" => vec![("groupId".to_owned(), echo()), ("ok".to_owned(), changed(Some("Conversation"), true))],
        "messageRead" => vec![("ok".to_owned(), changed(Some("Receipt"), false))],
        "callUser" | "answerCall" | "refuseCall" | "closeCall" => vec![("ok".to_owned(), changed(Some("Call"), false))],
        "presence" => vec![("ok".to_owned(), schema("Presence"))],
        "heartbeat" => vec![("ok".to_owned(), shape(&[("timestamp", time()), ("cursor", text())]))],
        "ping" => vec![("ok".to_owned(), shape(&[("timestamp", time()), ("userId", id()), ("cursor", text())]))],
        "getOnlineUsers" => {
            vec![("ok".to_owned(), shape(&[("users", json!({"type": "array", "items": schema("Presence")}))]))]
        }
        _ => vec![("ok".to_owned(), json!({"description": "As `ok` of the command on `/ws`."}))],
    };
    fields.into_iter().collect()
}

/// The payload of an acknowledgement.
pub(super) fn acknowledgement(event: &str) -> Value {
    let mut properties = done(event);
    properties.insert("status".to_owned(), word("success"));
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({"oneOf": [
        {"type": "object", "required": required, "properties": properties},
        {
            "type": "object",
            "required": ["status", "error"],
            "properties": {"status": word("error"), "error": schema("Problem")},
        },
    ]})
}
