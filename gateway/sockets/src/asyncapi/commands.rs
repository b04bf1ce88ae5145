//! The commands.

use super::{
    fields::{changed, id},
    parts::reference,
};
use crate::session::Registration;
use serde_json::{Map, Value, json};

/// The schema of its frame.
pub(super) fn frame(command: &Registration, schemas: &Map<String, Value>) -> Value {
    let of = |field: &str| reference(&["components", "schemas", "Command", "properties", field]);
    let data = data(command, schemas);
    let is_needed = data["required"].as_array().is_some_and(|required| !required.is_empty());
    let required: Vec<_> = ["cmd"].into_iter().chain(is_needed.then_some("data")).collect();
    json!({
        "type": "object",
        "required": required,
        "properties": {"id": of("id"), "key": of("key"), "cmd": {"const": command.name}, "data": data},
        "additionalProperties": false,
    })
}

/// What it is about and the fields of the body in one object, which has no others.
fn data(command: &Registration, schemas: &Map<String, Value>) -> Value {
    let name = (command.body)().unwrap_or_default();
    let body = schemas.get(&name);
    let of_body = body.and_then(|body| body["properties"].as_object()).into_iter().flat_map(Map::keys);
    let of_body =
        of_body.map(|field| (field.clone(), reference(&["components", "schemas", &name, "properties", field])));
    let target = command.target.map(|field| (field.to_owned(), id()));
    let properties: Map<_, _> = target.into_iter().chain(of_body).collect();
    let needed = body.and_then(|body| body["required"].as_array()).into_iter().flatten();
    let required: Vec<_> = command.target.iter().map(|field| json!(field)).chain(needed.cloned()).collect();
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

/// The schema of the reply when it was done.
pub(super) fn reply_frame(command: &Registration) -> Value {
    json!({"type": "object", "required": ["reply", "ok"], "properties": {
        "reply": {"description": "The id of the command."},
        "ok": changed((command.output)().as_deref(), command.may_lag),
    }})
}
