//! The events of the Socket.IO door.

use super::{
    EVENTS, SIGNALS, fields,
    parts::{reference, said},
};
use serde_json::{Map, Value, json};

/// An event: its name, what it says, and the fields of its payload; those that end in `?` may be absent.
type Documented = (&'static str, &'static str, &'static [&'static str]);

const SEND: &[&str] = &["conversationId", "guid?", "messageType?", "content", "attachments?", "replyTo?", "mentions?"];
const CALL: &[&str] = &["callId?", "conversationId?", "signalData?"];
const FAILED: &[&str] = &["message", "code", "problem"];
const RINGING: &[&str] = &["callId", "conversationId", "callType", "callerInfo", "signalData", "timestamp"];

/// What clients emit.
pub(super) const FROM_CLIENTS: [Documented; 16] = [
    ("cmd", "Runs any command of /ws. The callback gets `ok` or `error`.", &["cmd", "key?", "data?"]),
    (
        "sendMessage",
        "Posts a message. The callback gets status, tempId, messageId, position, message. A client that retries sends it at \
         least once: with a `guid`, which is the message's id, it is stored once.",
        SEND,
    ),
    (
        "deleteMessage",
        "Removes a message for everybody, or with deleteForEveryone: false for oneself.",
        &["messageId", "conversationId?", "deleteForEveryone?"],
    ),
    ("messageRead", "Everything up to a message has been seen.", &["messageId", "conversationId"]),
    ("callUser", "Rings the others of a conversation.", &["conversationId", "callType", "signalData?"]),
    ("answerCall", "Answers a call, or the call of a conversation.", CALL),
    ("refuseCall", "Refuses it.", CALL),
    ("closeCall", "Leaves or ends it.", CALL),
    ("callSignal", "As the command call.signal.", &["callId", "toUserId", "toSessionId?", "kind", "payload"]),
    ("typing", "One types, or with isTyping: false has stopped.", &["conversationId", "isTyping?"]),
    ("presence", "As the command presence.set.", &["status", "text?", "until?"]),
    ("heartbeat", "A sign of life; with the cursor of the last event that came, deafness is noticed.", &["cursor?"]),
    ("ping", "The same, answered by pong.", &["cursor?"]),
    ("getOnlineUsers", "Asks who of one's circle is here.", &[]),
    ("joinGroup", "Joins a group that is open, or asks to where a lead approves.", &["groupId"]),
    (
        "broadcastEvent",
        "Has the others of a conversation hear an event of any name that is not the server's.",
        &["event", "payload", "conversationId", "excludeSelf?"],
    ),
];

/// What the server emits as an answer, or of its own.
pub(super) const ANSWERS: [Documented; 20] = [
    (
        "error",
        "An event failed that had no callback, or could not be read.",
        &["code", "message", "event", "requestId"],
    ),
    (
        "close",
        "The server ends the connection; for 1001, 1012 and 4008 the client is to come back.",
        &["code", "reason"],
    ),
    ("messageQueued", "The message is stored.", &["tempId", "status", "timestamp"]),
    ("messageProcessed", "The same, with its id.", &["tempId", "messageId", "status", "position"]),
    ("sendMessageError", "It is not.", &["message", "code", "problem", "tempId"]),
    ("deleteMessageQueued", "The removal is stored.", &["messageId", "status", "timestamp"]),
    ("deleteMessageError", "It is not.", &["message", "code", "problem", "messageId"]),
    ("userNotOnline", "Nobody can ring.", &["conversationId"]),
    ("callUserError", "It does not ring.", &["message", "code", "problem", "conversationId"]),
    ("answerCallError", "It was not answered.", FAILED),
    ("refuseCallError", "It was not refused.", FAILED),
    ("closeCallError", "It was not ended.", FAILED),
    ("heartbeat", "The answer to heartbeat.", &["timestamp", "cursor"]),
    ("pong", "The answer to ping.", &["timestamp", "userId", "cursor"]),
    ("onlineUsers", "The answer to getOnlineUsers.", &["users"]),
    ("joinedGroup", "One is in the group, or has asked to be.", &["groupId", "status"]),
    ("joinGroupError", "One is not.", &["message", "code", "problem", "groupId"]),
    ("broadcastEventError", "Nobody received it.", FAILED),
    ("userOnline", "A signal: somebody one may see is here.", &["userId"]),
    ("userOffline", "A signal: they have gone.", &["userId"]),
];

/// Durable events in the words of the clients that were there before; each carries position, cursor, at, actorId, too.
pub(super) const OLD_WORDS: [Documented; 9] = [
    (
        "messageComing",
        "A message was posted: the fields of message.sent, and messageId.",
        &["messageId", "conversationId", "senderId", "content"],
    ),
    ("loadLastMessage", "A conversation has a new last message.", &["conversationId"]),
    (
        "messageDeleted",
        "A message was removed. Not to the socket that did.",
        &["messageId", "conversationId", "deletedBy", "deletedAt", "deleteForEveryone"],
    ),
    (
        "messageRead",
        "Somebody has read up to a message. Not to the socket that did. Its id is absent when it is older than the server \
         remembers: seq says which.",
        &["messageId?", "conversationId", "readBy", "readAt", "seq"],
    ),
    ("callUser", "It rings. Not to the socket that calls.", RINGING),
    ("openCall", "The same.", RINGING),
    (
        "callAccepted",
        "A call was answered. Not to the socket that did.",
        &["callId", "conversationId", "answeredBy", "signalData"],
    ),
    (
        "refuseCall",
        "A call was refused. Not to the socket that did.",
        &["callId", "conversationId", "refusedBy", "signalData"],
    ),
    (
        "closeCall",
        "A call is over, was missed, or somebody left it. Not to the socket that did.",
        &["callId", "conversationId", "closedBy", "closedAt", "status", "reason", "signalData"],
    ),
];

/// One more of them, and signals in old words.
pub(super) const MORE_WORDS: [Documented; 4] = [
    (
        "userJoinedGroup",
        "Somebody became a member. Not to the socket that did.",
        &["conversationId", "groupId", "userId"],
    ),
    ("callSignal", "A signal: the same as call.signal.", &["callId", "fromUserId", "fromSessionId", "kind", "payload"]),
    (
        "typing",
        "A signal: somebody types, or has stopped.",
        &["user", "userId", "conversationId", "isTyping", "timestamp"],
    ),
    (
        "userPresenceUpdate",
        "A signal: presence, with a timestamp; chosen is of oneself alone.",
        &["userId", "status", "text?", "until?", "lastSeen?", "chosen?", "timestamp"],
    ),
];

const ABOUT: &str = "Socket.IO 5 over Engine.IO 4, polling and WebSocket, namespace `/`. CONNECT carries \
    `auth: {token, since}`; fields that are not known are refused in `cmd`, and passed over in all other events; a field that \
    is known and of a wrong type is refused in all; after it comes `hello`. Every event of /ws is emitted under its name, the fields of its \
    `data` at the top level beside position, cursor, at and actorId; every signal under its name with its `data`. \
    Before the server ends a connection it emits `close`; it disconnects (41) those that are not to come back, and \
    drops the transport of those that are. A binary payload is an error of its event alone; an event whose payload is no \
    non-empty array, two GETs or two POSTs of a session at once close it. Any gateway may be asked. A stock client's \
    retries are at least once: send a `guid`, which makes them once.";

/// The channel, and the operations of the document.
pub(super) fn channel(operations: &mut Map<String, Value>) -> Value {
    let mut messages = Map::new();
    let channel = || reference(&["channels", "socketio"]);
    let message = |key: &str| reference(&["channels", "socketio", "messages", key]);
    for (name, summary, fields) in FROM_CLIENTS {
        let (key, ack) = (format!("client.{name}"), format!("ack.{name}"));
        let mut emitted = said(name, summary, shape("client", name, fields));
        if name == "sendMessage" {
            emitted["examples"] = json!([{"name": "with a guid", "payload": example()}]);
        }
        messages.insert(key.clone(), emitted);
        let answer = fields::acknowledgement(name);
        messages.insert(ack.clone(), said(&ack, "What the callback gets, if there is one.", answer));
        let reply = json!({"channel": channel(), "messages": [message(&ack)]});
        operations.insert(
            format!("socketio.{name}"),
            json!({
                "action": "receive", "title": name, "summary": summary, "description": summary, "channel": channel(),
                "messages": [message(&key)], "reply": reply,
            }),
        );
    }
    let mut sent = Vec::new();
    let mut tell = |name: &str, summary: &str, payload: Value| {
        let key = format!("server.{name}");
        sent.push(message(&key));
        messages.insert(key, said(name, summary, payload));
    };
    let schema = |name: &str| reference(&["components", "schemas", name]);
    let carried = |name: &str| shape("server", name, &["position", "cursor", "at", "actorId"]);
    for (name, summary, fields) in ANSWERS.into_iter().chain(MORE_WORDS) {
        let payload = shape("server", name, fields);
        let is_durable = name == "userJoinedGroup";
        tell(name, summary, if is_durable { json!({"allOf": [payload, carried(name)]}) } else { payload });
    }
    for (name, summary, fields) in OLD_WORDS {
        let of_message = (name == "messageComing").then(|| schema("MessagePush"));
        let parts: Vec<_> = of_message.into_iter().chain([shape("server", name, fields), carried(name)]).collect();
        tell(name, summary, json!({"allOf": parts}));
    }
    tell("hello", "The first event.", schema("HelloBody"));
    for &(name, summary, of) in EVENTS {
        tell(name, summary, json!({"allOf": [schema(of), carried(name)]}));
    }
    for &(name, summary, of) in SIGNALS.iter().filter(|(name, ..)| *name != "typing") {
        tell(name, summary, schema(of));
    }
    let summary = "Whatever the server emits: answers, pushes and signals.";
    operations.insert(
        "socketio.emitted".to_owned(),
        json!({
            "action": "send", "title": "emitted", "summary": summary, "description": summary, "channel": channel(),
            "messages": sent,
        }),
    );
    let server = reference(&["servers", "socketio"]);
    json!({
        "address": "/socket.io/", "title": "Socket.IO", "description": ABOUT, "servers": [server], "messages": messages,
    })
}

/// A message that is stored once, however often it is sent.
pub(super) fn example() -> Value {
    json!({
        "conversationId": "01993e5c-2f4b-7c11-8a55-3f0c5d0e9b61",
        "guid": "01993e5c-9d02-7e6f-b1a4-6f5d2c7a8e90",
        "messageType": "TEXT",
        "content": "hello",
    })
}

/// An object with these fields, of the types that they have in this event.
fn shape(side: &str, event: &str, fields: &[&str]) -> Value {
    let name = |field: &str| field.trim_end_matches('?').to_owned();
    let typed = |field: &str| fields::of_event(side, event, field).unwrap_or_else(|| json!({}));
    let properties: Map<_, _> = fields.iter().map(|field| (name(field), typed(&name(field)))).collect();
    let required: Vec<_> = fields.iter().filter(|field| !field.ends_with('?')).collect();
    json!({"type": "object", "required": required, "properties": properties})
}
