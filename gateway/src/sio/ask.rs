//! What clients emit, translated into the commands that every door runs.

use super::packet::{self, Fault, Packet};
use crate::{
    Problem,
    session::{Close, Inbound, Want},
};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

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
}

/// Reads what stands in a message of Engine.IO.
pub(super) fn read(text: &str) -> Inbound<Ask> {
    match Packet::parse(text) {
        Ok(Packet::Connect { namespace: "/", data }) => {
            let want = Want::Command { cmd: "auth".to_owned(), key: None, data };
            Inbound::Asked(want, Ask { ack: None, row: Row::Connect })
        }
        Ok(Packet::Connect { namespace, .. }) => {
            Inbound::Elsewhere(format!(r#"44{namespace},{{"message":"Invalid namespace"}}"#).into())
        }
        Ok(Packet::Disconnect { namespace: "/" }) => Inbound::Goodbye,
        Ok(Packet::Event { namespace: "/", id, name, data }) => emitted(id, &name, data),
        Ok(Packet::Disconnect { .. } | Packet::Event { .. } | Packet::Ack) => Inbound::Nothing,
        Ok(Packet::Binary) => Inbound::Bad(Close::NotText),
        Err(Fault::Malformed(id, detail)) => malformed(id, Value::Null, Problem::malformed(detail)),
        Err(Fault::NotOurs) => Inbound::Bad(Close::NotOurs),
    }
}

fn malformed(ack: Option<u64>, name: Value, problem: Problem) -> Inbound<Ask> {
    Inbound::Malformed(super::answer::failed(ack, name, &problem).into())
}

fn emitted(ack: Option<u64>, name: &str, data: Value) -> Inbound<Ask> {
    let asked =
        |row, cmd: &str, data| Inbound::Asked(Want::Command { cmd: cmd.to_owned(), key: None, data }, Ask { ack, row });
    let of = |field: &str| data.get(field).cloned().unwrap_or_default();
    let flag = |field: &str, absent: bool| data.get(field).and_then(Value::as_bool).unwrap_or(absent);
    match name {
        "cmd" => cmd(ack, data),
        "sendMessage" => {
            let guid = data.get("guid").and_then(Value::as_str).map(str::to_owned);
            asked(Row::SendMessage { guid }, "message.send", data)
        }
        "deleteMessage" => {
            let cmd = if flag("deleteForEveryone", true) { "message.delete" } else { "message.hide" };
            asked(Row::DeleteMessage { message: of("messageId") }, cmd, data)
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
            let cmd = if flag("isTyping", true) { "typing.start" } else { "typing.stop" };
            asked(Row::Quiet("typing"), cmd, data)
        }
        "presence" => asked(Row::Quiet("presence"), "presence.set", data),
        "heartbeat" => Inbound::Beat(cursor(&data), Some(Ask { ack, row: Row::Heartbeat })),
        "ping" => Inbound::Beat(cursor(&data), Some(Ask { ack, row: Row::Ping })),
        "getOnlineUsers" => Inbound::Asked(Want::Online, Ask { ack, row: Row::OnlineUsers }),
        "joinGroup" => {
            let group = of("groupId");
            asked(Row::JoinGroup { group: group.clone() }, "conversation.join", json!({"conversationId": group}))
        }
        "broadcastEvent" => broadcast(ack, &data),
        unknown => {
            let detail = format!("there is no event {unknown:?}");
            let problem = Problem::new(StatusCode::BAD_REQUEST, "unknown_command", detail);
            malformed(ack, unknown.into(), problem)
        }
    }
}

/// Any command of `/ws`.
fn cmd(ack: Option<u64>, data: Value) -> Inbound<Ask> {
    let Value::Object(mut fields) = data else {
        return malformed(ack, "cmd".into(), Problem::malformed("cmd takes an object"));
    };
    let (name, key) = (fields.remove("cmd"), fields.remove("key").filter(|key| !key.is_null()));
    match (name, key) {
        (Some(Value::String(cmd)), None | Some(Value::String(_))) if cmd.is_empty() => {
            malformed(ack, "cmd".into(), Problem::malformed("cmd is empty"))
        }
        (Some(Value::String(cmd)), key @ (None | Some(Value::String(_)))) => {
            let key = key.and_then(|key| key.as_str().map(str::to_owned));
            let data = fields.remove("data").unwrap_or_else(|| Value::Object(Map::new()));
            Inbound::Asked(Want::Command { cmd: cmd.clone(), key, data }, Ask { ack, row: Row::Cmd(cmd) })
        }
        _ => malformed(ack, "cmd".into(), Problem::malformed("cmd and key are texts")),
    }
}

fn broadcast(ack: Option<u64>, data: &Value) -> Inbound<Ask> {
    let of = |field: &str| data.get(field).cloned().unwrap_or_default();
    let exclude_self = data.get("excludeSelf").and_then(Value::as_bool).unwrap_or(true);
    let data = json!({
        "conversationId": of("conversationId"), "name": of("event"), "payload": of("payload"), "excludeSelf": exclude_self,
    });
    let want = Want::Command { cmd: "signal.send".to_owned(), key: None, data };
    Inbound::Asked(want, Ask { ack, row: Row::BroadcastEvent })
}

fn cursor(data: &Value) -> Option<String> {
    data.get("cursor").and_then(Value::as_str).map(str::to_owned)
}

/// The packet as an event, for errors that have no name of their own.
pub(super) fn error(name: &Value, problem: &Problem) -> String {
    packet::event("error", &json!({"code": problem.code, "message": problem.detail, "event": name}))
}

#[cfg(test)]
mod tests;
