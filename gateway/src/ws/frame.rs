//! The JSON of frames.

use crate::{
    Problem,
    hub::{HubSettings, Start},
    operations::Answer,
    request::{Faults, Parse},
};
use axum::extract::ws::Utf8Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

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

/// What a client sends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Inbound {
    Command(Command),
    Ping(Value),
    Pong,
}

/// The first frame of the server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hello {
    /// What it says.
    pub hello: HelloBody,
}

/// What the first frame says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelloBody {
    /// Who is signed in.
    pub user_id: Uuid,
    /// With which session.
    pub session_id: Uuid,
    /// From where the socket goes on.
    pub cursor: String,
    /// Whether everything after the client's cursor follows; otherwise it must reload.
    pub recovered: bool,
    /// How often the server pings; a client that misses two is gone.
    pub heartbeat_seconds: u64,
    /// What a client must keep to.
    pub limits: HelloLimits,
}

/// What a client must keep to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelloLimits {
    /// The largest frame.
    pub frame_bytes: usize,
    /// The longest content of a message.
    pub content_bytes: usize,
    /// Sockets a user may have open.
    pub sockets_per_user: usize,
    /// Commands that may be under way.
    pub commands_in_flight: usize,
    /// Frames a second, on average.
    pub frames_per_second: u32,
}

/// The answer to a ping.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pong {
    /// What the ping said.
    pub pong: Value,
    /// The cursor after everything that was sent before.
    pub cursor: String,
}

/// The data of `auth`.
#[derive(Clone, Debug, ToSchema)]
pub struct Auth {
    /// The access token.
    pub token: String,
    /// The cursor to resume from.
    pub since: Option<String>,
}

impl Parse for Auth {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let (token, since) = (object.required("token"), object.optional("since"));
        Some(Self { token: token?, since })
    }
}

/// The answer to `auth`; `hello` comes before it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedOn {
    /// Who is signed in.
    pub user_id: Uuid,
    /// With which session.
    pub session_id: Uuid,
}

/// The data of `sync`.
#[derive(Clone, Debug, ToSchema)]
pub struct Sync {
    /// The cursor; without one the answer is where to go on from now.
    pub since: Option<String>,
    /// At most so many events: 50 when absent, never more than 200.
    pub limit: Option<u64>,
}

impl Parse for Sync {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        Some(Self { since: object.optional("since"), limit: object.optional("limit") })
    }
}

/// The answer to `ping`.
#[derive(Debug, Serialize, ToSchema)]
pub struct CursorNow {
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
///
/// # Errors
/// The whole reply: `malformed`, with the id when there is one.
pub(super) fn read(text: &str) -> Result<Inbound, Utf8Bytes> {
    let malformed = |id: &Value, detail: String| reply(id, Err(Problem::malformed(detail)), None);
    let value: Value = serde_json::from_str(text).map_err(|error| malformed(&Value::Null, error.to_string()))?;
    let Value::Object(fields) = &value else {
        return Err(malformed(&Value::Null, "a frame is one JSON object".to_owned()));
    };
    if !fields.contains_key("cmd") {
        if let Some(ping) = fields.get("ping") {
            return Ok(Inbound::Ping(ping.clone()));
        }
        if fields.contains_key("pong") {
            return Ok(Inbound::Pong);
        }
    }
    let id = fields.get("id").cloned().unwrap_or_default();
    if !matches!(id, Value::Null | Value::String(_) | Value::Number(_)) {
        return Err(malformed(&Value::Null, "id must be a text or a number".to_owned()));
    }
    let command = Command::deserialize(value).map_err(|error| malformed(&id, error.to_string()))?;
    Ok(Inbound::Command(command))
}

/// The reply to a command; `request` names it in the server's log.
pub(super) fn reply(id: &Value, answer: Result<Answer, Problem>, request: Option<Uuid>) -> Utf8Bytes {
    let frame = match answer {
        Ok(answer) => json!({"reply": id, "ok": ok(answer)}),
        Err(problem) => {
            let problem = request.map_or_else(|| problem.clone(), |request| problem.clone().for_request(request));
            json!({"reply": id, "error": problem})
        }
    };
    frame.to_string().into()
}

/// A resource with the position of the command that answered it.
fn ok(answer: Answer) -> Value {
    let mut fields = match answer.body {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    if let Some(position) = answer.position {
        fields.insert("position".to_owned(), position.into());
    }
    Value::Object(fields)
}

/// Any frame of the server.
pub(super) fn write(frame: &impl Serialize) -> Utf8Bytes {
    serde_json::to_string(frame).unwrap_or_default().into()
}

impl Hello {
    /// The first frame of a socket.
    #[must_use]
    pub fn new(user_id: Uuid, session_id: Uuid, start: Start, settings: &HubSettings) -> Self {
        let limits = HelloLimits {
            frame_bytes: settings.frame_bytes,
            content_bytes: settings.content_bytes,
            sockets_per_user: settings.sockets_per_user,
            commands_in_flight: settings.commands_in_flight,
            frames_per_second: settings.frames_per_second,
        };
        let Start { recovered, cursor } = start;
        let heartbeat_seconds = settings.heartbeat.as_secs();
        Self { hello: HelloBody { user_id, session_id, cursor, recovered, heartbeat_seconds, limits } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_a_ping_and_a_pong_are_told_apart() {
        let command = read(r#"{"id":"1","cmd":"message.send","data":{"a":1},"later":true}"#).unwrap();
        let want = Command { id: json!("1"), key: None, cmd: "message.send".into(), data: json!({"a": 1}) };
        assert_eq!(command, Inbound::Command(want));
        assert_eq!(read(r#"{"ping":7}"#).unwrap(), Inbound::Ping(json!(7)));
        assert_eq!(read(r#"{"pong":7,"cursor":"x"}"#).unwrap(), Inbound::Pong);
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
            let told: Value = serde_json::from_str(&read(text).unwrap_err()).unwrap();
            assert_eq!((&told["reply"], &told["error"]["code"]), (&id, &json!("malformed")), "{text}");
        }
    }
}
