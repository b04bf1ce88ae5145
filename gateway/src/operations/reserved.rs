//! The names under which the server itself tells something: nobody else may, for a client could not tell them apart.

/// Events of `/ws`, those of later versions included.
const EVENTS: &[&str] = &[
    "account.blocked",
    "account.updated",
    "call.answered",
    "call.closed",
    "call.missed",
    "call.refused",
    "call.ringing",
    "conversation.created",
    "conversation.deleted",
    "conversation.updated",
    "friend.accepted",
    "friend.blocked",
    "friend.cancelled",
    "friend.rejected",
    "friend.requested",
    "friend.unblocked",
    "friend.unfriended",
    "member.added",
    "member.approved",
    "member.demoted",
    "member.joined",
    "member.kicked",
    "member.left",
    "member.promoted",
    "member.rejected",
    "member.requested",
    "message.deleted",
    "message.edited",
    "message.hidden",
    "message.reacted",
    "message.sent",
    "message.unreacted",
    "receipt.delivered",
    "receipt.read",
    "report.filed",
    "report.rejected",
    "report.resolved",
    "story.commented",
    "story.deleted",
    "story.edited",
    "story.liked",
    "story.posted",
    "story.uncommented",
    "story.unliked",
];

/// Signals of `/ws`, and the kinds of its frames.
const SIGNALS: &[&str] =
    &["call.signal", "cmd", "custom", "event", "hello", "ping", "pong", "presence", "reply", "signal", "typing"];

/// Events of Socket.IO: the server's, and those that its client library raises by itself.
const SOCKET_IO: &[&str] = &[
    "answerCall",
    "answerCallError",
    "broadcastEventError",
    "callAccepted",
    "callSignal",
    "callSignalError",
    "callUser",
    "callUserError",
    "close",
    "closeCall",
    "closeCallError",
    "connect",
    "connect_error",
    "connect_timeout",
    "connecting",
    "connection",
    "deleteMessageError",
    "deleteMessageQueued",
    "disconnect",
    "disconnecting",
    "error",
    "heartbeat",
    "joinGroupError",
    "joinedGroup",
    "loadLastMessage",
    "messageComing",
    "messageDeleted",
    "messageProcessed",
    "messageQueued",
    "messageRead",
    "messageReadError",
    "newListener",
    "onlineUsers",
    "openCall",
    "presenceError",
    "reconnect",
    "reconnect_attempt",
    "reconnect_error",
    "reconnect_failed",
    "reconnecting",
    "refuseCall",
    "refuseCallError",
    "removeListener",
    "sendMessageError",
    "typingError",
    "userJoinedGroup",
    "userNotOnline",
    "userOffline",
    "userOnline",
    "userPresenceUpdate",
];

/// Whether the server itself tells something of this name.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    [EVENTS, SIGNALS, SOCKET_IO].iter().any(|names| names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asyncapi;

    #[test]
    fn whatever_is_documented_as_told_is_reserved() {
        let events = asyncapi::EVENTS.iter().map(|(name, ..)| *name);
        let signals = asyncapi::SIGNALS.iter().map(|(name, ..)| *name);
        for name in events.chain(signals).chain(["messageComing", "connect", "disconnect", "error", "hello", "close"]) {
            assert!(is_reserved(name), "{name}");
        }
        assert!(!is_reserved("whiteboard.stroke"));
    }

    #[test]
    fn each_is_named_once_in_order() {
        for names in [EVENTS, SIGNALS, SOCKET_IO] {
            assert!(names.is_sorted_by(|one, other| one < other));
        }
    }
}
