//! The names under which the server tells something: nobody else may, for a client could not tell them apart.

/// Socket.IO events that clients emit.
pub const CLIENT_EVENTS: [&str; 16] = [
    "sendMessage",
    "deleteMessage",
    "messageRead",
    "callUser",
    "answerCall",
    "refuseCall",
    "closeCall",
    "callSignal",
    "typing",
    "presence",
    "heartbeat",
    "getOnlineUsers",
    "ping",
    "joinGroup",
    "broadcastEvent",
    "cmd",
];

/// Socket.IO events that the server emits, beside the names of pushes and signals on `/ws`.
pub const SERVER_EVENTS: [&str; 34] = [
    "hello",
    "close",
    "error",
    "messageQueued",
    "messageProcessed",
    "sendMessageError",
    "messageComing",
    "loadLastMessage",
    "deleteMessageQueued",
    "deleteMessageError",
    "messageDeleted",
    "messageRead",
    "userNotOnline",
    "callUserError",
    "answerCallError",
    "refuseCallError",
    "closeCallError",
    "callUser",
    "openCall",
    "callAccepted",
    "refuseCall",
    "closeCall",
    "callSignal",
    "typing",
    "userPresenceUpdate",
    "userOnline",
    "userOffline",
    "heartbeat",
    "onlineUsers",
    "pong",
    "joinedGroup",
    "joinGroupError",
    "userJoinedGroup",
    "broadcastEventError",
];

/// What the names of pushes and signals on `/ws` begin with; and those that are one word.
const WIRE: [&str; 10] =
    ["message.", "receipt.", "conversation.", "member.", "friend.", "call.", "story.", "account.", "report.", "admin."];
/// Names that `socket.io-client` keeps to itself, our one-word signals, and the kinds of the frames on `/ws`.
const KEPT: [&str; 20] = [
    "alert",
    "connect",
    "connect_error",
    "connect_timeout",
    "connecting",
    "connection",
    "reconnecting",
    "event",
    "reply",
    "signal",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
    "reconnect",
    "reconnect_attempt",
    "reconnect_error",
    "reconnect_failed",
    "presence",
    "custom",
];

/// Whether no client may make others hear an event of this name: the server says such things itself.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    SERVER_EVENTS.contains(&name)
        || CLIENT_EVENTS.contains(&name)
        || KEPT.contains(&name)
        || WIRE.iter().any(|start| name.starts_with(start))
}
