//! What clients emit, translated into the commands that every door runs.

use crate::session::{Close, Inbound, Want, given};
use axum::http::StatusCode;
use engine_io::socket_io::{self, Event, Packet, connect_error};
use protocol::{
    Problem,
    request::{Document, Faults, Parse, Unknown, document, nearest, parse_with, quoted, unknown},
    vocabulary::CLIENT_EVENTS,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// How what a client emitted is answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    /// The id of the acknowledgement it waits for.
    pub(super) ack: Option<u64>,
    /// What it emitted.
    pub(super) row: Row,
}

/// A row of the table of events, with what its answers name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Row {
    Connect,
    Cmd(String),
    SendMessage {
        guid: Option<String>,
    },
    DeleteMessage {
        message: Value,
    },
    CallUser {
        conversation: Value,
    },
    /// `answerCall`, `refuseCall`, `closeCall`.
    Call {
        error: &'static str,
    },
    Heartbeat,
    Ping,
    OnlineUsers,
    JoinGroup {
        group: Value,
    },
    BroadcastEvent,
    /// What is answered only if it fails, or by an acknowledgement.
    Quiet(&'static str),
    /// What cannot be read, by its name if it has one.
    Unread(Value),
}

/// Reads what stands in a message of Engine.IO.
pub(super) fn read(text: &str) -> Inbound<Ask> {
    match Packet::parse(text) {
        Some(Packet::Connect { namespace: "/", auth }) => {
            let Ok(data) = serde_json::from_str(if auth.is_empty() { "null" } else { auth }) else {
                return Inbound::Bad(Close::NotOurs);
            };
            // Clients put there what belongs to other servers, too.
            let want = Want::Command { cmd: "auth".to_owned(), key: None, data, unknown: Unknown::Ignored };
            Inbound::Asked(want, Ask { ack: None, row: Row::Connect })
        }
        Some(Packet::Connect { namespace, .. }) => {
            Inbound::Elsewhere(connect_error(namespace, &json!({"message": "Invalid namespace"})).into())
        }
        Some(Packet::Disconnect { namespace: "/" }) => Inbound::Goodbye,
        Some(Packet::Event(Event { namespace: "/", id, attachments, payload })) => said(id, attachments, payload),
        Some(Packet::Disconnect { .. } | Packet::Event(_) | Packet::Ack) => Inbound::Nothing,
        None => Inbound::Bad(Close::NotOurs),
    }
}

/// What an event says: its payload is an array that begins with its name.
fn said(ack: Option<u64>, attachments: Option<u32>, payload: &str) -> Inbound<Ask> {
    let (arguments, repeated) = match document(payload) {
        Ok(Document { value: Value::Array(arguments), repeated }) => (arguments, repeated),
        Ok(_) => return Inbound::Bad(Close::NotOurs),
        Err(error) => return malformed(ack, Value::Null, Problem::malformed(format!("the payload {error}"))),
    };
    let mut arguments = arguments.into_iter();
    let Some(Value::String(name)) = arguments.next() else { return Inbound::Bad(Close::NotOurs) };
    let data = arguments.next().unwrap_or_default();
    if attachments.is_some() {
        let detail = "an event with a binary payload is not understood: send text, or upload a file";
        return refused(ack, &name, data, Problem::malformed(detail));
    }
    match repeated {
        Some(path) => refused(ack, &name, data, Problem::repeated(in_data(&name, &path))),
        None => emitted(ack, &name, data),
    }
}

/// The path of a field as its event, or the command of `cmd`, names it: that of the payload leads through the data.
fn in_data<'p>(event: &str, path: &'p str) -> &'p str {
    let path = path.strip_prefix("[1].").unwrap_or(path);
    let of_command = path.strip_prefix("data.").filter(|_| event == "cmd");
    of_command.unwrap_or(path)
}

/// An event is refused in the words of its row; the session goes on.
fn refused(ack: Option<u64>, name: &str, data: Value, problem: Problem) -> Inbound<Ask> {
    match emitted(ack, name, data) {
        Inbound::Asked(_, ask) | Inbound::Beat(_, Some(ask)) | Inbound::Malformed(_, ask) => {
            Inbound::Malformed(problem, ask)
        }
        other => other,
    }
}

fn malformed(ack: Option<u64>, name: Value, problem: Problem) -> Inbound<Ask> {
    Inbound::Malformed(problem, Ask { ack, row: Row::Unread(name) })
}

fn emitted(ack: Option<u64>, name: &str, data: Value) -> Inbound<Ask> {
    let asked = |row, cmd: &str, data| {
        let want = Want::Command { cmd: cmd.to_owned(), key: None, data, unknown: Unknown::Ignored };
        Inbound::Asked(want, Ask { ack, row })
    };
    let of = |field: &str| data.get(field).cloned().unwrap_or_default();
    let wrong = |row, problem| Inbound::Malformed(problem, Ask { ack, row });
    match name {
        "cmd" => cmd(ack, data),
        "sendMessage" => {
            let guid = data.get("guid").and_then(Value::as_str).map(str::to_owned);
            asked(Row::SendMessage { guid }, "message.send", data)
        }
        "deleteMessage" => {
            let row = Row::DeleteMessage { message: of("messageId") };
            match parse_with::<Deletion>(&data, Unknown::Ignored) {
                Ok(Deletion { for_everyone: true }) => asked(row, "message.delete", data),
                Ok(Deletion { for_everyone: false }) => asked(row, "message.hide", data),
                Err(problem) => wrong(row, problem),
            }
        }
        "messageRead" => {
            let data = json!({"conversationId": of("conversationId"), "upTo": of("messageId")});
            asked(Row::Quiet("messageRead"), "message.read", data)
        }
        "callUser" => asked(Row::CallUser { conversation: of("conversationId") }, "call.initiate", data),
        "answerCall" => asked(Row::Call { error: "answerCallError" }, "call.answer", data),
        "refuseCall" => asked(Row::Call { error: "refuseCallError" }, "call.refuse", data),
        "closeCall" => asked(Row::Call { error: "closeCallError" }, "call.close", data),
        "callSignal" => asked(Row::Quiet("callSignal"), "call.signal", data),
        "typing" => {
            let row = Row::Quiet("typing");
            match parse_with::<Typing>(&data, Unknown::Ignored) {
                Ok(Typing { types: true }) => asked(row, "typing.start", data),
                Ok(Typing { types: false }) => asked(row, "typing.stop", data),
                Err(problem) => wrong(row, problem),
            }
        }
        "presence" => asked(Row::Quiet("presence"), "presence.set", data),
        "heartbeat" => beat(Ask { ack, row: Row::Heartbeat }, &data),
        "ping" => beat(Ask { ack, row: Row::Ping }, &data),
        "getOnlineUsers" => Inbound::Asked(Want::Online, Ask { ack, row: Row::OnlineUsers }),
        "joinGroup" => {
            let group = of("groupId");
            asked(Row::JoinGroup { group: group.clone() }, "conversation.join", json!({"conversationId": group}))
        }
        "broadcastEvent" => broadcast(ack, &data),
        name => {
            let detail = match nearest(name, CLIENT_EVENTS.into_iter()) {
                Some(meant) => format!("there is no event {}; did you mean {meant:?}?", quoted(name)),
                None => format!("there is no event {}; commands of /ws go through the event \"cmd\"", quoted(name)),
            };
            let problem = Problem::new(StatusCode::BAD_REQUEST, "unknown_command", detail);
            malformed(ack, name.into(), problem)
        }
    }
}

/// The fields of the event `cmd`.
const FIELDS: [&str; 3] = ["cmd", "data", "key"];

/// Any command of `/ws`.
fn cmd(ack: Option<u64>, data: Value) -> Inbound<Ask> {
    let Value::Object(mut fields) = data else {
        return malformed(ack, "cmd".into(), Problem::malformed("cmd takes an object"));
    };
    let strangers: Vec<_> = fields.keys().filter(|name| !FIELDS.contains(&name.as_str())).take(10).collect();
    if !strangers.is_empty() {
        let errors = strangers.into_iter().map(|name| unknown("", name, &FIELDS)).collect();
        return malformed(ack, "cmd".into(), Problem::invalid(errors));
    }
    let data = fields.remove("data").unwrap_or_default();
    let (cmd, key) = match parse_with(&Value::Object(fields), Unknown::Ignored) {
        Ok(Named { cmd, .. }) if cmd.is_empty() => {
            return malformed(ack, "cmd".into(), Problem::malformed("cmd is empty"));
        }
        Ok(Named { cmd, key }) => (cmd, key),
        Err(problem) => return malformed(ack, "cmd".into(), problem),
    };
    let ask = Ask { ack, row: Row::Cmd(cmd.clone()) };
    match given(data) {
        Ok(data) => Inbound::Asked(Want::Command { cmd, key, data, unknown: Unknown::Refused }, ask),
        Err(problem) => Inbound::Malformed(problem, ask),
    }
}

/// The fields of `cmd` beside its data.
struct Named {
    cmd: String,
    key: Option<String>,
}

impl Parse for Named {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let (cmd, key) = (object.required("cmd"), object.optional("key"));
        Some(Self { cmd: cmd?, key })
    }
}

fn broadcast(ack: Option<u64>, data: &Value) -> Inbound<Ask> {
    let of = |field: &str| data.get(field).cloned().unwrap_or_default();
    let data = json!({
        "conversationId": of("conversationId"), "name": of("event"), "payload": of("payload"),
        "excludeSelf": of("excludeSelf"),
    });
    let want = Want::Command { cmd: "signal.send".to_owned(), key: None, data, unknown: Unknown::Ignored };
    Inbound::Asked(want, Ask { ack, row: Row::BroadcastEvent })
}

/// A sign of life. Clients give it an object, something else, or nothing.
fn beat(ask: Ask, data: &Value) -> Inbound<Ask> {
    match data.get("cursor") {
        None | Some(Value::Null) => Inbound::Beat(None, Some(ask)),
        Some(Value::String(cursor)) => Inbound::Beat(Some(cursor.clone()), Some(ask)),
        Some(_) => Inbound::Malformed(Problem::field("cursor", "wrong_type", "must be text"), ask),
    }
}

/// The fields of `deleteMessage` that its commands do not take.
struct Deletion {
    for_everyone: bool,
}

impl Parse for Deletion {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        object.optional::<Uuid>("messageId");
        object.optional::<Uuid>("conversationId");
        Some(Self { for_everyone: object.optional("deleteForEveryone").unwrap_or(true) })
    }
}

/// The fields of `typing` that its commands do not take.
struct Typing {
    types: bool,
}

impl Parse for Typing {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        object.optional::<Uuid>("conversationId");
        Some(Self { types: object.optional("isTyping").unwrap_or(true) })
    }
}

/// The packet as an event, for errors that have no name of their own.
pub(super) fn error(name: &Value, problem: &Problem) -> String {
    socket_io::event(
        "error",
        &json!({
            "code": problem.code, "message": problem.detail, "event": name, "requestId": problem.request_id,
        }),
    )
}

#[cfg(test)]
mod tests;
