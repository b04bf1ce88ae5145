//! Socket.IO 5 packets: what follows Engine.IO's `4`.

use serde::Serialize;
use serde_json::Value;

/// Between the packets of one frame; it never stands in JSON unescaped.
pub(super) const BETWEEN: char = '\u{1e}';

/// A packet of a client.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Packet<'a> {
    /// It wants to be let in.
    Connect { namespace: &'a str, data: Value },
    /// It leaves a namespace.
    Disconnect { namespace: &'a str },
    /// It says something, and wants to hear what became of it if there is an `id`.
    Event { namespace: &'a str, id: Option<u64>, name: String, data: Value },
    /// It heard something.
    Ack,
    /// What it says is binary.
    Binary,
}

/// Why something is no packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not even its head can be read.
    NotOurs,
    /// The JSON of the event with this `id` cannot be.
    Malformed(Option<u64>, String),
}

impl<'a> Packet<'a> {
    /// Reads a packet.
    pub(super) fn parse(text: &'a str) -> Result<Self, Fault> {
        let mut characters = text.chars();
        let kind = characters.next().ok_or(Fault::NotOurs)?;
        let (namespace, rest) = namespace_of(characters.as_str());
        match kind {
            '0' => {
                let data = if rest.is_empty() { Ok(Value::Null) } else { serde_json::from_str(rest) };
                let data = data.map_err(|error| Fault::Malformed(None, error.to_string()))?;
                Ok(Self::Connect { namespace, data })
            }
            '1' => Ok(Self::Disconnect { namespace }),
            '2' => Self::event(namespace, rest),
            '3' => Ok(Self::Ack),
            '5' | '6' => Ok(Self::Binary),
            _ => Err(Fault::NotOurs),
        }
    }

    fn event(namespace: &'a str, rest: &str) -> Result<Self, Fault> {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (id, json) = rest.split_at(digits);
        let id = if id.is_empty() { None } else { Some(id.parse().map_err(|_| Fault::NotOurs)?) };
        let malformed = |detail: String| Fault::Malformed(id, detail);
        let arguments: Vec<Value> = serde_json::from_str(json).map_err(|error| malformed(error.to_string()))?;
        let mut arguments = arguments.into_iter();
        let Some(Value::String(name)) = arguments.next() else {
            return Err(malformed("an event begins with its name".to_owned()));
        };
        Ok(Self::Event { namespace, id, name, data: arguments.next().unwrap_or_default() })
    }
}

/// `/` when none is named.
fn namespace_of(text: &str) -> (&str, &str) {
    if !text.starts_with('/') {
        return ("/", text);
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    (namespace.split('?').next().unwrap_or(namespace), rest)
}

/// A frame with one event.
pub(super) fn event(name: &str, data: &impl Serialize) -> String {
    // Values and our own shapes always make JSON.
    let name = serde_json::to_string(name).unwrap_or_default();
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("42[{name},{data}]")
}

/// A frame with the acknowledgement of the event with this `id`.
pub(super) fn ack(id: u64, data: &Value) -> String {
    format!("43{id}[{data}]")
}

/// A frame of several.
pub(super) fn joined(packets: impl IntoIterator<Item = String>) -> Option<String> {
    let mut packets = packets.into_iter();
    let mut frame = packets.next()?;
    for packet in packets {
        frame.push(BETWEEN);
        frame.push_str(&packet);
    }
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn packets_are_read() {
        let event = |namespace, id, name: &str, data| Packet::Event { namespace, id, name: name.to_owned(), data };
        for (text, want) in [
            ("0", Packet::Connect { namespace: "/", data: Value::Null }),
            (r#"0{"token":"t"}"#, Packet::Connect { namespace: "/", data: json!({"token": "t"}) }),
            ("0/admin?x=1,{}", Packet::Connect { namespace: "/admin", data: json!({}) }),
            ("0/admin", Packet::Connect { namespace: "/admin", data: Value::Null }),
            ("1", Packet::Disconnect { namespace: "/" }),
            ("1/admin,", Packet::Disconnect { namespace: "/admin" }),
            (r#"2["a"]"#, event("/", None, "a", Value::Null)),
            (r#"2["a",{"b":1},2]"#, event("/", None, "a", json!({"b": 1}))),
            (r#"217["a",[]]"#, event("/", Some(17), "a", json!([]))),
            (r#"2/x,0["a"]"#, event("/x", Some(0), "a", Value::Null)),
            ("31[]", Packet::Ack),
            (r#"51-["a",{"_placeholder":true,"num":0}]"#, Packet::Binary),
            ("61-0[]", Packet::Binary),
        ] {
            assert_eq!(Packet::parse(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_packet_is_told_apart() {
        for text in ["", "x", "4{}", "9", "é", r#"299999999999999999999["a"]"#] {
            assert_eq!(Packet::parse(text), Err(Fault::NotOurs), "{text}");
        }
        for (text, id) in [("2", None), ("25", Some(5)), ("2{}", None), ("27[]", Some(7)), ("2[1]", None), ("0{", None)]
        {
            assert!(matches!(Packet::parse(text), Err(Fault::Malformed(told, _)) if told == id), "{text}");
        }
    }

    #[test]
    fn no_text_of_a_client_ends_a_packet_early() {
        let told = event("a\u{1e}b", &json!({"c": "\u{1e}\u{1f}\u{1d}\n"}));
        assert!(!told.contains(BETWEEN) && !told.chars().any(char::is_control));
        assert_eq!(joined(["1".to_owned(), "2".to_owned()]).unwrap(), "1\u{1e}2");
        assert_eq!(joined([]), None);
    }
}
