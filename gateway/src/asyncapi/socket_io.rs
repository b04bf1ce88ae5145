//! The events of the Socket.IO door.

use super::{EVENTS, SIGNALS, reference};
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
    ("sendMessage", "Posts a message. The callback gets status, tempId, messageId, position, message.", SEND),
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

/// What the server emits to whoever asked, or of its own.
pub(super) const ANSWERS: [Documented; 20] = [
    ("error", "An event failed that had no callback, or could not be read.", &["code", "message", "event"]),
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
    ("broadcastEventError", "Nobody heard it.", FAILED),
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
        "A message was removed.",
        &["messageId", "conversationId", "deletedBy", "deletedAt", "deleteForEveryone"],
    ),
    (
        "messageRead",
        "Somebody has read up to a message. Its id is absent when it is older than the server remembers: seq says which.",
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
    ("userJoinedGroup", "Somebody became a member.", &["conversationId", "groupId", "userId"]),
    ("callSignal", "A signal: the same as call.signal.", &["callId", "fromUserId", "fromSessionId", "kind", "payload"]),
    (
        "typing",
        "A signal: somebody types, or has stopped.",
        &["user", "userId", "conversationId", "isTyping", "timestamp"],
    ),
    ("userPresenceUpdate", "A signal: presence, with a timestamp.", &["userId", "status", "timestamp"]),
];

const ABOUT: &str = "Socket.IO 5 over Engine.IO 4, polling and WebSocket, namespace `/`. CONNECT carries \
    `auth: {token, since}`; after it comes `hello`. Every event of /ws is emitted under its name, the fields of its \
    `data` at the top level beside position, cursor, at and actorId; every signal under its name with its `data`. \
    Before the server ends a connection it emits `close`; it disconnects (41) those that are not to come back, and \
    drops the transport of those that are.";

/// The channel, and the operations of the document.
pub(super) fn channel(operations: &mut Map<String, Value>) -> Value {
    let mut messages = Map::new();
    let (mut heard, mut told) = (Vec::new(), Vec::new());
    let mut add = |prefix: &str, (name, summary, fields): Documented, list: &mut Vec<Value>, payload: Option<Value>| {
        let key = format!("{prefix}.{name}");
        list.push(reference(&["channels", "socketio", "messages", &key]));
        let payload = payload.unwrap_or_else(|| shape(fields));
        messages.insert(key, json!({"name": name, "summary": summary, "payload": payload}));
    };
    for event in FROM_CLIENTS {
        add("client", event, &mut heard, None);
    }
    for event in ANSWERS.into_iter().chain(MORE_WORDS).chain(OLD_WORDS) {
        add("server", event, &mut told, None);
    }
    let hello = reference(&["components", "schemas", "HelloBody"]);
    add("server", ("hello", "The first event.", &[]), &mut told, Some(hello));
    for (name, summary, schema) in EVENTS {
        let carried = shape(&["position", "cursor", "at", "actorId"]);
        let payload = json!({"allOf": [reference(&["components", "schemas", schema]), carried]});
        add("server", (name, summary, &[]), &mut told, Some(payload));
    }
    for (name, summary, schema) in SIGNALS.into_iter().filter(|(name, ..)| *name != "typing") {
        add("server", (name, summary, &[]), &mut told, Some(reference(&["components", "schemas", schema])));
    }
    let channel = reference(&["channels", "socketio"]);
    operations.insert("socketio.told".to_owned(), json!({"action": "send", "channel": channel, "messages": told}));
    operations.insert("socketio.heard".to_owned(), json!({"action": "receive", "channel": channel, "messages": heard}));
    json!({"address": "/socket.io/", "description": ABOUT, "messages": messages})
}

/// An object with these fields.
fn shape(fields: &[&str]) -> Value {
    let properties: Map<_, _> =
        fields.iter().map(|field| (field.trim_end_matches('?').to_owned(), json!(true))).collect();
    let required: Vec<_> = fields.iter().filter(|field| !field.ends_with('?')).collect();
    json!({"type": "object", "required": required, "properties": properties})
}
