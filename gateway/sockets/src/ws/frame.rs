//! The JSON of frames.

use crate::session::{Answered, Inbound, Want, given};
use axum::extract::ws::Utf8Bytes;
use protocol::{
    Problem,
    problem::FieldProblem,
    request::{self, Document, Unknown},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
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
    /// The name of the command.
    pub cmd: String,
    /// Its fields: those of its REST twin, path parameters included. Absent, it has none.
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
    /// The number of the ping.
    #[schema(value_type = f64)]
    pub pong: Value,
    /// The cursor after everything that was sent before.
    pub cursor: String,
}

/// Where the token of a command belongs.
const TOKEN: &str = "it belongs into `data.token`, without `Bearer`";

/// The fields of a command's frame.
const FIELDS: [&str; 4] = ["cmd", "data", "id", "key"];
/// The fields of a ping and a pong.
const BEAT: [&str; 3] = ["cursor", "ping", "pong"];

/// Reads a frame of a client.
pub(super) fn read(text: &str) -> Inbound<Ask> {
    read_json(text).unwrap_or_else(|refused| {
        let (id, problem) = *refused;
        Inbound::Malformed(problem, Ask::Reply(id))
    })
}

/// The id when there is one, and what is wrong.
fn read_json(text: &str) -> Result<Inbound<Ask>, Box<(Value, Problem)>> {
    let malformed = |id: Value, detail: String| Box::new((id, Problem::malformed(detail)));
    let read = request::document(text);
    let Document { value, repeated } =
        read.map_err(|error| malformed(Value::Null, format!("a frame is one JSON object, and this {error}")))?;
    let Value::Object(fields) = &value else {
        return Err(malformed(Value::Null, "a frame is one JSON object".to_owned()));
    };
    if !fields.contains_key("cmd") && (fields.contains_key("ping") || fields.contains_key("pong")) {
        return beat(fields, repeated);
    }
    let id = fields.get("id").cloned().unwrap_or_default();
    if !names_a_reply(&id) {
        return Err(malformed(Value::Null, "id must be a text or a number".to_owned()));
    }
    if let Some(name) = repeated {
        // Fields of the data are named as in its command.
        return Err(Box::new((id, Problem::repeated(name.strip_prefix("data.").unwrap_or(&name)))));
    }
    let strangers: Vec<FieldProblem> = strange(fields.keys(), &FIELDS).collect();
    let Command { cmd, key, data, .. } =
        Command::deserialize(value).map_err(|error| malformed(id.clone(), format!("this is no command: {error}")))?;
    let data = given(data).map_err(|problem| Box::new((id.clone(), problem)))?;
    if !strangers.is_empty() {
        return Err(Box::new((id, Problem::invalid(strangers))));
    }
    Ok(Inbound::Asked(Want::Command { cmd, key, data, unknown: Unknown::Refused }, Ask::Reply(id)))
}

/// A ping or a pong: a number, and perhaps a cursor.
fn beat(fields: &Map<String, Value>, repeated: Option<String>) -> Result<Inbound<Ask>, Box<(Value, Problem)>> {
    let (name, number) = match fields.get("ping") {
        Some(ping) => ("ping", ping),
        None => ("pong", &fields["pong"]),
    };
    let id = || if names_a_reply(number) { number.clone() } else { Value::Null };
    if let Some(name) = repeated {
        return Err(Box::new((id(), Problem::repeated(&name))));
    }
    let wrong = |field: &str, wanted: &str| FieldProblem {
        field: field.to_owned(),
        code: "wrong_type".to_owned(),
        detail: format!("must be {wanted}"),
    };
    let (cursor, misread) = match fields.get("cursor") {
        None | Some(Value::Null) => (None, None),
        Some(Value::String(cursor)) => (Some(cursor.clone()), None),
        Some(_) => (None, Some(wrong("cursor", "text"))),
    };
    let no_number = (!number.is_number()).then(|| wrong(name, "a number"));
    let faults: Vec<_> = strange(fields.keys(), &BEAT).chain(no_number).chain(misread).collect();
    if !faults.is_empty() {
        return Err(Box::new((id(), Problem::invalid(faults))));
    }
    Ok(Inbound::Beat(cursor, (name == "ping").then(|| Ask::Pong(number.clone()))))
}

/// Whether a reply can have this id.
fn names_a_reply(id: &Value) -> bool {
    matches!(id, Value::Null | Value::String(_) | Value::Number(_))
}

/// Of the fields of a frame, those that are not known.
fn strange<'f>(
    fields: impl Iterator<Item = &'f String>,
    known: &'static [&'static str],
) -> impl Iterator<Item = FieldProblem> {
    fields.filter(|name| !known.contains(&name.as_str())).take(10).map(|name| request::unknown("", name, known))
}

/// The answer to what was asked.
pub(super) fn answer(ask: &Ask, answered: Answered) -> Utf8Bytes {
    match (ask, answered.outcome()) {
        (Ask::Reply(id), outcome) => reply(id, outcome),
        (Ask::Pong(ping), Ok(here)) => {
            let cursor = here["cursor"].as_str().unwrap_or_default().to_owned();
            write(&Pong { pong: ping.clone(), cursor })
        }
        (Ask::Pong(ping), Err(problem)) => reply(ping, Err(problem)),
    }
}

fn reply(id: &Value, outcome: Result<Value, Problem>) -> Utf8Bytes {
    let frame = match outcome {
        Ok(ok) => json!({"reply": id, "ok": ok}),
        Err(problem) => json!({"reply": id, "error": problem.for_token_in(TOKEN)}),
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
    fn a_command_a_ping_and_a_pong_are_distinguished() {
        let command = read(r#"{"id":"1","cmd":"message.send","data":{"a":1}}"#);
        let (cmd, data, unknown) = ("message.send".into(), json!({"a": 1}), Unknown::Refused);
        let want = Want::Command { key: None, cmd, data, unknown };
        assert_eq!(command, Inbound::Asked(want, Ask::Reply(json!("1"))));
        assert_eq!(read(r#"{"ping":7}"#), Inbound::Beat(None, Some(Ask::Pong(json!(7)))));
        assert_eq!(read(r#"{"pong":7,"cursor":"x"}"#), Inbound::Beat(Some("x".into()), None));
    }

    #[test]
    fn a_malformed_frame_is_answered_with_its_id_when_there_is_one() {
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
            let Inbound::Malformed(problem, Ask::Reply(to)) = read(text) else { panic!("{text}") };
            assert_eq!((to, problem.code), (id, "malformed"), "{text}");
        }
    }

    #[test]
    fn what_a_frame_has_twice_or_too_much_is_refused_by_name() {
        for (text, code, field) in [
            (r#"{"id":"7","cmd":"ping","dta":{}}"#, "unknown_field", "dta"),
            (r#"{"ping":"7","curser":"x"}"#, "unknown_field", "curser"),
            (r#"{"ping":"7"}"#, "invalid", "ping"),
            (r#"{"pong":"7"}"#, "invalid", "pong"),
            (r#"{"id":"7","cmd":"ping","cmd":"auth"}"#, "invalid", "cmd"),
            (r#"{"id":"7","cmd":"message.send","data":{"content":"a","content":"b"}}"#, "invalid", "content"),
            (
                r#"{"id":"7","cmd":"message.send","data":{"attachments":[{"fileUrl":"/a","fileUrl":"/b"}]}}"#,
                "invalid",
                "attachments[0].fileUrl",
            ),
            (r#"{"id":"7","cmd":"sync","data":[]}"#, "invalid", "data"),
            (r#"{"id":"7","cmd":"sync","data":"x"}"#, "invalid", "data"),
        ] {
            let Inbound::Malformed(problem, Ask::Reply(to)) = read(text) else { panic!("{text}") };
            assert_eq!((to, problem.code, problem.errors[0].field.as_str()), (json!("7"), code, field), "{text}");
        }
    }

    #[test]
    fn a_ping_of_a_wrong_type_is_refused_by_name() {
        for (text, fields) in [
            (r#"{"ping":{}}"#, vec!["ping"]),
            (r#"{"ping":null}"#, vec!["ping"]),
            (r#"{"ping":true,"cursor":7}"#, vec!["ping", "cursor"]),
            (r#"{"ping":7,"cursor":7}"#, vec!["cursor"]),
            (r#"{"ping":7,"ping":8}"#, vec!["ping"]),
        ] {
            let Inbound::Malformed(problem, Ask::Reply(_)) = read(text) else { panic!("{text}") };
            let named: Vec<_> = problem.errors.iter().map(|error| error.field.as_str()).collect();
            assert_eq!((problem.status, named), (422, fields), "{text}");
        }
    }

    #[test]
    fn a_command_without_data_has_no_fields() {
        for text in [r#"{"id":"1","cmd":"sync"}"#, r#"{"id":"1","cmd":"sync","data":null}"#] {
            let Inbound::Asked(Want::Command { data, .. }, _) = read(text) else { panic!("{text}") };
            assert_eq!(data, json!({}), "{text}");
        }
    }
}
