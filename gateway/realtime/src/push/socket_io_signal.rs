//! Renders a signal as Socket.IO packets.

use domain::Timestamp;
use engine_io::{joined, socket_io::event};
use protocol::vocabulary::is_reserved;
use serde_json::{Value, json};

/// The frame of a signal: under its name on `/ws`, and in the words of the clients that were there before.
#[must_use]
pub fn socket_io_signal(name: &str, data: &Value, now: Timestamp) -> String {
    if !data.is_object() {
        return event(name, data);
    }
    let mut packets = Vec::new();
    match name {
        "typing" => {
            let mut typing = data.clone();
            typing["user"] = json!({"id": data["userId"]});
            typing["timestamp"] = json!(now);
            packets.push(event("typing", &typing));
        }
        "presence" => {
            let mut update = data.clone();
            update["timestamp"] = json!(now);
            let here = if data["status"] == "offline" { "userOffline" } else { "userOnline" };
            packets.push(event("presence", data));
            packets.push(event("userPresenceUpdate", &update));
            packets.push(event(here, &json!({"userId": data["userId"]})));
        }
        "call.signal" => {
            packets.push(event("call.signal", data));
            packets.push(event("callSignal", data));
        }
        "custom" => {
            packets.push(event("custom", data));
            // A client at another door may give it any name: reserved names are the server's.
            if let Some(own) = data["name"].as_str().filter(|own| !is_reserved(own)) {
                packets.push(event(own, &data["payload"]));
            }
        }
        other => packets.push(event(other, data)),
    }
    joined(packets).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_460_818_120);

    fn packets_of(name: &str, data: &Value) -> Vec<(String, Value)> {
        let frame = socket_io_signal(name, data, NOW);
        frame.split('\u{1e}').map(|packet| serde_json::from_str(packet.strip_prefix("42").unwrap()).unwrap()).collect()
    }

    #[test]
    fn each_signal_has_its_names() {
        let typing = json!({"conversationId": "c", "userId": "u", "isTyping": true});
        let want = json!({
            "conversationId": "c", "userId": "u", "user": {"id": "u"}, "isTyping": true, "timestamp": NOW,
        });
        assert_eq!(packets_of("typing", &typing), [("typing".to_owned(), want)]);
        for (status, here) in [("online", "userOnline"), ("busy", "userOnline"), ("offline", "userOffline")] {
            let presence = json!({"userId": "u", "status": status, "text": null});
            let packets = packets_of("presence", &presence);
            assert_eq!(packets[0], ("presence".to_owned(), presence));
            assert_eq!((&packets[1].1["status"], &packets[1].1["timestamp"]), (&json!(status), &json!(NOW)));
            assert_eq!(packets[2], (here.to_owned(), json!({"userId": "u"})));
        }
        let call = json!({"callId": "k", "kind": "offer"});
        assert_eq!(
            packets_of("call.signal", &call),
            ["call.signal", "callSignal"].map(|name| (name.to_owned(), call.clone()))
        );
    }

    #[test]
    fn nobody_speaks_for_the_server() {
        let custom = |name: &str| json!({"conversationId": "c", "fromUserId": "u", "name": name, "payload": [1]});
        let packets = packets_of("custom", &custom("cursor\u{1e}Moved"));
        assert_eq!(packets[0].0, "custom");
        assert_eq!(packets[1], ("cursor\u{1e}Moved".to_owned(), json!([1])));
        for name in ["messageComing", "message.sent", "close", "disconnect"] {
            assert_eq!(packets_of("custom", &custom(name)).len(), 1, "{name}");
        }
    }
}
