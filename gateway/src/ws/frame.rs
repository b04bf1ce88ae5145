//! The JSON of frames.

use crate::{
    Problem,
    session::{Answered, Inbound, Want},
};
use axum::extract::ws::Utf8Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A command of a client.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
pub struct Command {
    /// Names the reply on this socket: a text or a number.
    #[serde(default)]
    #[schema(value_type = String)]
    pub id: Value,
    /// Idempotency key, per actor; it survives reconnects.
    #[serde(default)]
    pub key: Option<String>,
    /// Which command.
    pub cmd: String,
    /// Its fields: those of its REST twin, path parameters included.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub data: Value,
}

/// How what a client sent is answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    /// With the reply to the command of this id.
    Reply(Value),
    /// With the pong to this ping.
    Pong(Value),
}

/// The answer to a ping.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pong {
    /// What the ping said.
    pub pong: Value,
    /// The cursor after everything that was sent before.
    pub cursor: String,
}

/// The data of `message.react` and `message.unreact`, beside the message.
#[derive(Debug, ToSchema)]
pub struct Emoji {
    /// How: 1 to 32 bytes, no white space.
    pub emoji: String,
}

/// Reads a frame of a client.
pub(super) fn read(text: &str) -> Inbound<Ask> {
    read_json(text).unwrap_or_else(|(id, detail)| Inbound::Malformed(reply(&id, Err(Problem::malformed(detail)))))
}

/// The id when there is one, and what is wrong.
fn read_json(text: &str) -> Result<Inbound<Ask>, (Value, String)> {
    let value: Value = serde_json::from_str(text).map_err(|error| (Value::Null, error.to_string()))?;
    let Value::Object(fields) = &value else {
        return Err((Value::Null, "a frame is one JSON object".to_owned()));
    };
    if !fields.contains_key("cmd") {
        let cursor = || fields.get("cursor").and_then(Value::as_str).map(str::to_owned);
        if let Some(ping) = fields.get("ping") {
            return Ok(Inbound::Beat(cursor(), Some(Ask::Pong(ping.clone()))));
        }
        if fields.contains_key("pong") {
            return Ok(Inbound::Beat(cursor(), None));
        }
    }
    let id = fields.get("id").cloned().unwrap_or_default();
    if !matches!(id, Value::Null | Value::String(_) | Value::Number(_)) {
        return Err((Value::Null, "id must be a text or a number".to_owned()));
    }
    let Command { cmd, key, data, .. } =
        Command::deserialize(value).map_err(|error| (id.clone(), error.to_string()))?;
    Ok(Inbound::Asked(Want::Command { cmd, key, data }, Ask::Reply(id)))
}

/// The answer to what was asked.
pub(super) fn answer(ask: &Ask, answered: Answered) -> Utf8Bytes {
    match (ask, answered.told()) {
        (Ask::Reply(id), told) => reply(id, told),
        (Ask::Pong(ping), Ok(here)) => {
            let cursor = here["cursor"].as_str().unwrap_or_default().to_owned();
            write(&Pong { pong: ping.clone(), cursor })
        }
        (Ask::Pong(ping), Err(problem)) => reply(ping, Err(problem)),
    }
}

fn reply(id: &Value, told: Result<Value, Problem>) -> Utf8Bytes {
    let frame = match told {
        Ok(ok) => json!({"reply": id, "ok": ok}),
        Err(problem) => json!({"reply": id, "error": problem}),
    };
    frame.to_string().into()
}

/// Any frame of the server.
pub(super) fn write(frame: &impl Serialize) -> Utf8Bytes {
    serde_json::to_string(frame).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_a_ping_and_a_pong_are_told_apart() {
        let command = read(r#"{"id":"1","cmd":"message.send","data":{"a":1},"later":true}"#);
        let want = Want::Command { key: None, cmd: "message.send".into(), data: json!({"a": 1}) };
        assert_eq!(command, Inbound::Asked(want, Ask::Reply(json!("1"))));
        assert_eq!(read(r#"{"ping":7}"#), Inbound::Beat(None, Some(Ask::Pong(json!(7)))));
        assert_eq!(read(r#"{"pong":7,"cursor":"x"}"#), Inbound::Beat(Some("x".into()), None));
    }

    #[test]
    fn what_is_not_a_frame_is_told_with_the_id_when_there_is_one() {
        for (text, id) in [
            ("", json!(null)),
            ("nonsense", json!(null)),
            ("[]", json!(null)),
            ("{}", json!(null)),
            (r#"{"id":"7"}"#, json!("7")),
            (r#"{"id":7,"cmd":null}"#, json!(7)),
            (r#"{"id":"7","cmd":"ping","key":5}"#, json!("7")),
            (r#"{"id":{},"cmd":"ping"}"#, json!(null)),
        ] {
            let Inbound::Malformed(told) = read(text) else { panic!("{text}") };
            let told: Value = serde_json::from_str(&told).unwrap();
            assert_eq!((&told["reply"], &told["error"]["code"]), (&id, &json!("malformed")), "{text}");
        }
    }
}
