//! Renders an event as Socket.IO packets: first under the event names of the older clients, then under its name on
//! `/ws`.
//!
//! All packets of an event carry the cursor after it. So a client that listens to one vocabulary gets each event once,
//! should its transport break between them.

use super::names::{
    CALL_ANSWERED, CALL_CLOSED, CALL_LEFT, CALL_MISSED, CALL_REFUSED, CALL_RINGING, MEMBER_ADDED, MEMBER_APPROVED,
    MEMBER_JOINED, MESSAGE_DELETED, MESSAGE_HIDDEN, MESSAGE_SENT, RECEIPT_READ,
};
use domain::Timestamp;
use engine_io::BETWEEN;
use event_store::Position;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Stands where the cursor goes; like all controls, it never stands in JSON unescaped.
const CURSOR: char = '\u{1f}';
/// Stands where what was attached to a call goes.
const ATTACHED: char = '\u{1d}';

/// An event, as `/ws` tells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Happened<'a> {
    /// Its name: `message.sent`.
    pub name: &'a str,
    /// Its place in the one order.
    pub position: Position,
    /// When it was stored.
    pub at: Timestamp,
    /// The actor.
    pub actor: Option<Uuid>,
    /// The JSON of the resource after it: an object.
    pub data: &'a str,
    /// The message up to which somebody has read, if it is remembered.
    pub message: Option<Uuid>,
}

/// All packets of an event, but for the cursor and what is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(String);

impl Template {
    /// The packets for everybody, or for the client that acted (`acting`): without what only the others receive.
    #[must_use]
    pub(crate) fn new(happened: &Happened<'_>, acting: bool) -> Self {
        let data: Map<String, Value> = serde_json::from_str(happened.data).unwrap_or_default();
        let mut packets = Packets { happened, text: String::new() };
        packets.old_words(&data, acting);
        packets.add(happened.name, data);
        Self(packets.text)
    }

    /// The frame with the cursor that stands after the event, and the JSON that was attached to a call.
    #[must_use]
    pub(crate) fn fill(&self, cursor: &str, attached: Option<&str>) -> String {
        let mut frame = String::with_capacity(self.0.len() + 3 * cursor.len());
        for piece in self.0.split_inclusive([CURSOR, ATTACHED]) {
            match piece.strip_suffix(CURSOR) {
                Some(text) => frame.extend([text, cursor]),
                None => match piece.strip_suffix(ATTACHED) {
                    Some(text) => frame.extend([text, attached.unwrap_or("null")]),
                    None => frame.push_str(piece),
                },
            }
        }
        frame
    }
}

struct Packets<'a> {
    happened: &'a Happened<'a>,
    text: String,
}

impl Packets<'_> {
    fn add(&mut self, name: &str, fields: Map<String, Value>) {
        self.add_with(name, "", fields);
    }

    /// A packet whose payload has these fields, a further text of fields, and what every durable payload carries.
    fn add_with(&mut self, name: &str, further: &str, mut fields: Map<String, Value>) {
        let Happened { position, at, actor, .. } = *self.happened;
        for ours in ["position", "cursor", "at", "actorId"] {
            fields.remove(ours);
        }
        let actor = json!(actor);
        let fields = if fields.is_empty() { String::new() } else { Value::Object(fields).to_string() };
        let fields = fields.strip_prefix('{').map_or("}".to_owned(), |fields| format!(",{fields}"));
        if !self.text.is_empty() {
            self.text.push(BETWEEN);
        }
        self.text.push_str(&format!(
            r#"42["{name}",{{"position":{position},"cursor":"{CURSOR}","at":"{at}","actorId":{actor}{further}{fields}]"#
        ));
    }

    fn old_words(&mut self, data: &Map<String, Value>, acting: bool) {
        let Happened { name, at, actor, message, .. } = *self.happened;
        let of = |field: &str| data.get(field).cloned().unwrap_or_default();
        let conversation = of("conversationId");
        match name {
            MESSAGE_SENT => {
                let mut coming = data.clone();
                coming.insert("messageId".to_owned(), of("id"));
                self.add("messageComing", coming);
                self.add("loadLastMessage", object(json!({"conversationId": conversation})));
            }
            _ if acting => (),
            MEMBER_JOINED | MEMBER_APPROVED | MEMBER_ADDED => {
                let joined = json!({"conversationId": conversation, "groupId": conversation, "userId": of("userId")});
                self.add("userJoinedGroup", object(joined));
            }
            MESSAGE_DELETED | MESSAGE_HIDDEN => {
                let everyone = name == MESSAGE_DELETED;
                let id = if everyone { of("id") } else { of("messageId") };
                let when = if everyone { of("deletedAt") } else { json!(at) };
                let deleted = json!({
                    "messageId": id,
                    "conversationId": conversation,
                    "deletedBy": actor,
                    "deletedAt": when,
                    "deleteForEveryone": everyone,
                });
                self.add("messageDeleted", object(deleted));
            }
            RECEIPT_READ => {
                let mut read = object(json!({
                    "conversationId": conversation,
                    "readBy": of("userId"),
                    "readAt": at,
                    "seq": of("seq"),
                }));
                if let Some(message) = message {
                    read.insert("messageId".to_owned(), json!(message));
                }
                self.add("messageRead", read);
            }
            CALL_RINGING => {
                let ringing = json!({
                    "callId": call_id(data),
                    "conversationId": conversation,
                    "callType": of("callType"),
                    "callerInfo": {"id": data.get("callerId").cloned().unwrap_or_else(|| json!(actor))},
                    "timestamp": at,
                });
                self.add_call("callUser", ringing.clone());
                self.add_call("openCall", ringing);
            }
            CALL_ANSWERED => self.add_call("callAccepted", about_call(data, "answeredBy", actor)),
            CALL_REFUSED => self.add_call("refuseCall", about_call(data, "refusedBy", actor)),
            CALL_CLOSED | CALL_MISSED | CALL_LEFT => {
                let mut closed = about_call(data, "closedBy", actor);
                let ended = data.get("endedAt").filter(|ended| !ended.is_null()).cloned();
                closed["closedAt"] = ended.unwrap_or_else(|| json!(at));
                closed["status"] = of("status");
                closed["reason"] = of("endReason");
                self.add_call("closeCall", closed);
            }
            _ => (),
        }
    }

    fn add_call(&mut self, name: &str, fields: Value) {
        self.add_with(name, &format!(r#","signalData":{ATTACHED}"#), object(fields));
    }
}

fn call_id(data: &Map<String, Value>) -> Value {
    data.get("callId").or_else(|| data.get("id")).cloned().unwrap_or_default()
}

fn about_call(data: &Map<String, Value>, by: &str, actor: Option<Uuid>) -> Value {
    let conversation = data.get("conversationId").cloned().unwrap_or_default();
    json!({"callId": call_id(data), "conversationId": conversation, by: actor})
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: Uuid = Uuid::from_u128(1);
    const AT: Timestamp = Timestamp::from_millis(1_795_460_818_120);

    /// The names and payloads of an event's packets, without what all of them carry, which is checked here.
    fn packets_of(name: &str, data: &Value, acting: bool, attached: Option<&str>) -> Vec<(String, Value)> {
        let data = data.to_string();
        let message = Some(Uuid::from_u128(7));
        let happened = Happened { name, position: 12, at: AT, actor: Some(ANA), data: &data, message };
        let frame = Template::new(&happened, acting).fill("CUR", attached);
        let packets = frame.split(BETWEEN).map(|packet| {
            let (name, mut data): (String, Value) = serde_json::from_str(packet.strip_prefix("42").unwrap()).unwrap();
            let fields = data.as_object_mut().unwrap();
            let carried = ["position", "cursor", "at", "actorId"].map(|field| fields.remove(field).unwrap());
            assert_eq!(carried, [json!(12), json!("CUR"), json!(AT), json!(ANA)], "{name}");
            (name, data)
        });
        let mut packets: Vec<_> = packets.collect();
        // The name on `/ws` comes last; it is looked at first.
        packets.rotate_right(1);
        packets
    }

    fn names(packets: &[(String, Value)]) -> Vec<&str> {
        packets.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn a_message_comes_under_all_its_names_with_the_position_of_the_event() {
        let data = json!({"id": "m", "conversationId": "c", "position": 3, "content": "a\u{1f}\u{1d}\u{1e}\"b"});
        let packets = packets_of("message.sent", &data, false, None);
        assert_eq!(names(&packets), ["message.sent", "messageComing", "loadLastMessage"]);
        assert_eq!(packets[0].1, json!({"id": "m", "conversationId": "c", "content": data["content"]}));
        assert_eq!(packets[1].1["messageId"], "m");
        assert_eq!(packets[2].1, json!({"conversationId": "c"}));
        assert_eq!(names(&packets_of("message.edited", &data, false, None)), ["message.edited"]);
        assert_eq!(packets_of("account.blocked", &json!({}), false, None), [("account.blocked".to_owned(), json!({}))]);
    }

    #[test]
    fn removals_receipts_and_arrivals_have_their_old_names() {
        let deleted =
            packets_of("message.deleted", &json!({"id": "m", "conversationId": "c", "deletedAt": "t"}), false, None);
        let want = json!({"messageId": "m", "conversationId": "c", "deletedBy": ANA, "deletedAt": "t", "deleteForEveryone": true});
        assert_eq!(deleted[1], ("messageDeleted".to_owned(), want));
        let hidden = packets_of("message.hidden", &json!({"messageId": "m", "conversationId": "c"}), false, None);
        assert_eq!((&hidden[1].1["messageId"], &hidden[1].1["deleteForEveryone"]), (&json!("m"), &json!(false)));
        let read = packets_of("receipt.read", &json!({"conversationId": "c", "userId": "u", "seq": 4}), false, None);
        let want =
            json!({"messageId": Uuid::from_u128(7), "conversationId": "c", "readBy": "u", "readAt": AT, "seq": 4});
        assert_eq!(read[1], ("messageRead".to_owned(), want));
        for name in
            ["message.deleted", "message.hidden", "receipt.read", "member.joined", "member.added", "member.approved"]
        {
            assert_eq!(
                names(&packets_of(name, &json!({"conversationId": "c"}), true, None)),
                [name],
                "not to the actor"
            );
        }
        for name in ["member.joined", "member.added", "member.approved"] {
            let joined = packets_of(name, &json!({"conversationId": "c", "userId": "u"}), false, None);
            let want = json!({"conversationId": "c", "groupId": "c", "userId": "u"});
            assert_eq!(joined[1], ("userJoinedGroup".to_owned(), want));
        }
    }

    #[test]
    fn a_call_has_its_old_event_name_for_the_others_alone() {
        let call = json!({"id": "k", "conversationId": "c", "callType": "VIDEO", "callerId": "u", "endedAt": null});
        let signal = Some(r#"{"sdp":"x"}"#);
        let ringing = packets_of("call.ringing", &call, false, signal);
        assert_eq!(names(&ringing), ["call.ringing", "callUser", "openCall"]);
        let want = json!({
            "callId": "k", "conversationId": "c", "callType": "VIDEO", "callerInfo": {"id": "u"}, "timestamp": AT,
            "signalData": {"sdp": "x"},
        });
        assert_eq!((&ringing[1].1, &ringing[2].1), (&want, &want));
        assert_eq!(packets_of("call.ringing", &call, false, None)[1].1["signalData"], Value::Null);
        for (name, old, by) in [
            ("call.answered", "callAccepted", "answeredBy"),
            ("call.refused", "refuseCall", "refusedBy"),
            ("call.closed", "closeCall", "closedBy"),
            ("call.missed", "closeCall", "closedBy"),
            ("call.left", "closeCall", "closedBy"),
        ] {
            let packets = packets_of(name, &call, false, None);
            assert_eq!((names(&packets), &packets[1].1[by]), (vec![name, old], &json!(ANA)));
            assert_eq!(packets[1].1["callId"], "k");
            assert_eq!(names(&packets_of(name, &call, true, None)), [name], "not to the actor");
        }
        assert_eq!(packets_of("call.closed", &call, false, None)[1].1["closedAt"], json!(AT));
    }
}
