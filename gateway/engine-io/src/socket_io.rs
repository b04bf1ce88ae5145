//! The packets of Socket.IO 5, which are messages of Engine.IO.

use crate::{Fault, Received};
use serde::{Serialize, de::IgnoredAny};
use serde_json::value::RawValue;
use std::fmt;

/// A packet of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// It wants to be let into a namespace.
    Connect {
        /// `/` when none is named.
        namespace: &'a str,
        /// JSON; empty if there is none.
        auth: &'a str,
    },
    /// It leaves a namespace.
    Disconnect {
        /// `/` when none is named.
        namespace: &'a str,
    },
    /// It says something.
    Event(Event<'a>),
    /// It answers something.
    Ack,
}

/// An event of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// `/` when none is named.
    pub namespace: &'a str,
    /// Names its acknowledgement.
    pub id: Option<u64>,
    /// How many binary attachments follow it; `None` if it says nothing of any.
    pub attachments: Option<u32>,
    /// A JSON array that begins with the event's name, a text. Nothing in it is looked into: numbers may be too large, texts
    /// no Unicode, and arrays nested at will.
    pub payload: &'a str,
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` when it is none, upon which the protocol has the connection closed.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut characters = text.chars();
        let kind = characters.next()?;
        let (attachments, rest) = match counted(text) {
            Some((count, rest)) => (Some(count), rest),
            None => (None, characters.as_str()),
        };
        let (namespace, rest) = namespace_of(rest);
        match kind {
            '0' if rest.is_empty() || is_json(rest) => Some(Self::Connect { namespace, auth: rest }),
            '1' => Some(Self::Disconnect { namespace }),
            '5' if attachments.is_none() => None,
            '2' | '5' => {
                let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                let (id, payload) = rest.split_at(digits);
                let id = if id.is_empty() { None } else { Some(id.parse().ok()?) };
                is_event(payload).then_some(Self::Event(Event { namespace, id, attachments, payload }))
            }
            '6' => attachments.map(|_| Self::Ack),
            '3' => Some(Self::Ack),
            _ => None,
        }
    }
}

/// Keeps attachments with the packet that announced them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attachments {
    wanting: u32,
}

impl Attachments {
    /// What came, seen with what came before: attachments, which stay [`Received::Binary`], follow the packet that announced
    /// them, no other packet comes between, and none comes unannounced.
    pub fn follow(&mut self, received: Received) -> Received {
        match received {
            Received::Binary(_) if self.wanting == 0 => Received::Bad(Fault::NotText),
            Received::Binary(content) => {
                self.wanting -= 1;
                Received::Binary(content)
            }
            Received::Text(_) if self.wanting > 0 => Received::Bad(Fault::NotOurs),
            Received::Text(text) => {
                self.wanting = counted(&text).map_or(0, |(count, _)| count);
                Received::Text(text)
            }
            other => other,
        }
    }
}

/// The number of attachments of a binary packet, and what follows it.
fn counted(text: &str) -> Option<(u32, &str)> {
    let (count, rest) = text.strip_prefix(['5', '6'])?.split_once('-')?;
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    Some((count.parse().ok().filter(|_| is_number)?, rest))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Whether this is a JSON array that begins with a text.
fn is_event(text: &str) -> bool {
    struct Arguments;

    impl<'de> serde::de::Visitor<'de> for Arguments {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
            let name = items.next_element::<&RawValue>()?;
            while items.next_element::<IgnoredAny>()?.is_some() {}
            Ok(name.is_some_and(|name| name.get().starts_with('"')))
        }
    }

    let mut reader = serde_json::Deserializer::from_str(text);
    let is_event = serde::Deserializer::deserialize_seq(&mut reader, Arguments);
    is_event.is_ok_and(|is_event| is_event && reader.end().is_ok())
}

/// `/` when none is named.
fn namespace_of(text: &str) -> (&str, &str) {
    if !text.starts_with('/') {
        return ("/", text);
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    (namespace.split('?').next().unwrap_or(namespace), rest)
}

/// The packet that lets a client into a namespace, under the name `sid`.
#[must_use]
pub fn connected(namespace: &str, sid: &str) -> String {
    format!("40{}{}", prefix(namespace), serde_json::json!({"sid": sid}))
}

/// The packet that refuses to.
#[must_use]
pub fn connect_error(namespace: &str, error: &impl Serialize) -> String {
    format!("44{}{}", prefix(namespace), json(error))
}

/// The packet that sends a client out of a namespace.
#[must_use]
pub fn disconnected(namespace: &str) -> String {
    let prefix = prefix(namespace);
    format!("41{prefix}")
}

/// The packet of an event in `/`.
#[must_use]
pub fn event(name: &str, data: &impl Serialize) -> String {
    format!("42[{},{}]", json(&name), json(data))
}

/// The packet of the acknowledgement of the event with this `id` in `/`.
#[must_use]
pub fn ack(id: u64, data: &impl Serialize) -> String {
    format!("43{id}[{}]", json(data))
}

/// How a namespace stands before the rest of a packet.
#[must_use]
pub fn prefix(namespace: &str) -> String {
    if namespace == "/" { String::new() } else { format!("{namespace},") }
}

fn json(data: &impl Serialize) -> String {
    // Values and shapes of servers always make JSON.
    serde_json::to_string(data).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BETWEEN;
    use serde_json::json;

    #[test]
    fn packets_are_read() {
        let event = |namespace, id, attachments, payload| Packet::Event(Event { namespace, id, attachments, payload });
        for (text, want) in [
            ("0", Packet::Connect { namespace: "/", auth: "" }),
            (r#"0{"token":"t"}"#, Packet::Connect { namespace: "/", auth: r#"{"token":"t"}"# }),
            ("0/admin?x=1,{}", Packet::Connect { namespace: "/admin", auth: "{}" }),
            ("0/admin", Packet::Connect { namespace: "/admin", auth: "" }),
            ("1", Packet::Disconnect { namespace: "/" }),
            ("1/admin,", Packet::Disconnect { namespace: "/admin" }),
            (r#"2["a"]"#, event("/", None, None, r#"["a"]"#)),
            (r#"2["a",{"b":1},2]"#, event("/", None, None, r#"["a",{"b":1},2]"#)),
            (r#"217["a",[]]"#, event("/", Some(17), None, r#"["a",[]]"#)),
            (r#"2/x,0["a"]"#, event("/x", Some(0), None, r#"["a"]"#)),
            ("31[]", Packet::Ack),
            (r#"51-["a",1]"#, event("/", None, Some(1), r#"["a",1]"#)),
            (r#"52-/x,7["a"]"#, event("/x", Some(7), Some(2), r#"["a"]"#)),
            ("61-0[]", Packet::Ack),
        ] {
            assert_eq!(Packet::parse(text), Some(want), "{text}");
        }
    }

    #[test]
    fn what_stands_in_a_payload_is_not_looked_into() {
        let deep = format!(r#"["a",{}{}]"#, "[".repeat(5_000), "]".repeat(5_000));
        for payload in [r#"["a","\ud800"]"#, r#"["\udc00"]"#, r#"["a",1e999]"#, &deep] {
            for (text, id) in [(format!("2{payload}"), None), (format!("51-7{payload}"), Some(7))] {
                let read = Packet::parse(&text);
                assert!(
                    matches!(read, Some(Packet::Event(event)) if (event.id, event.payload) == (id, payload)),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_packet_is_not_read() {
        for text in ["", "x", "4{}", "9", "é", r#"299999999999999999999["a"]"#, "0{", "0nonsense"] {
            assert_eq!(Packet::parse(text), None, "{text}");
        }
        // The payload of an event must be a non-empty array, and begins with its name.
        for payload in ["", "5", "{}", "7[]", "[]", "[1]", "[null]", r#"abc["a"]"#, r#"["a""#, r#"["a"]x"#, r#"["a",]"#]
        {
            assert_eq!(Packet::parse(&format!("2{payload}")), None, "{payload}");
            assert_eq!(Packet::parse(&format!("51-{payload}")), None, "{payload}");
        }
        for text in [r#"5["a"]"#, r#"5-["a"]"#, r#"5x-["a"]"#, r#"5+1-["a"]"#, r#"599999999999-["a"]"#, "6[]"] {
            assert_eq!(Packet::parse(text), None, "{text}");
        }
    }

    #[test]
    fn attachments_follow_what_announced_them() {
        let text = |text: &str| Received::Text(text.into());
        let content = || Received::Binary(vec![1].into());
        let follow = |what: &[Received]| {
            let mut attachments = Attachments::default();
            what.iter().map(|received| attachments.follow(received.clone())).collect::<Vec<_>>()
        };
        for announces in [r#"52-["a"]"#, "62-0[]"] {
            let whole = [text(announces), content(), Received::Life, content(), text("3[]")];
            assert_eq!(follow(&whole), whole);
            assert_eq!(follow(&[text(announces), text("3[]")])[1], Received::Bad(Fault::NotOurs));
        }
        assert_eq!(follow(&[content()]), [Received::Bad(Fault::NotText)]);
        assert_eq!(follow(&[text(r#"50-["a"]"#), content()])[1], Received::Bad(Fault::NotText));
    }

    #[test]
    fn packets_are_written() {
        assert_eq!(connected("/", "x"), r#"40{"sid":"x"}"#);
        assert_eq!(connected("/admin", "x"), r#"40/admin,{"sid":"x"}"#);
        assert_eq!(connect_error("/a", &json!({"message": "no"})), r#"44/a,{"message":"no"}"#);
        assert_eq!([disconnected("/"), disconnected("/a")], ["41", "41/a,"]);
        assert_eq!(ack(7, &json!({})), "437[{}]");
        let written = event("a\u{1e}b", &json!({"c": "\u{1e}\u{1f}\u{1d}\n"}));
        assert!(
            !written.contains(BETWEEN) && !written.chars().any(char::is_control),
            "no text of a client ends a packet early"
        );
    }
}
