//! What both documents say of their schemas beyond what derives say: closed lists, bounds, what is always there, and that
//! requests take no other fields. The derives make the schemas; this completes them, alike for OpenAPI and AsyncAPI.

mod bounds;
mod words;

pub use bounds::INVITE_CODE;
pub use words::of_parameter;

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Under what terms the server can be used, as both documents say.
pub const LICENSE: &str = "All rights reserved";
/// Whom to ask, as both documents say.
pub const CONTACT: &str = "The operator of this server";

/// Where schemas stand in both documents.
const PLACE: &str = "#/components/schemas/";
/// Fields of answers that are left out instead of being null: by schema and field.
const LEFT_OUT: [(&str, &str); 10] = [
    ("Health", "away"),
    ("Health", "standing"),
    ("Health", "unreadable"),
    ("IceServer", "credential"),
    ("IceServer", "username"),
    ("Message", "contentHtml"),
    ("Presence", "chosen"),
    ("Problem", "errors"),
    ("Problem", "retryAfter"),
    ("Story", "viewCount"),
];
/// The same of pushes.
const LEFT_OUT_OF_PUSHES: [(&str, &str); 5] = [
    ("AttachmentPush", "mime"),
    ("AttachmentPush", "name"),
    ("AttachmentPush", "size"),
    ("AttachmentPush", "thumbUrl"),
    ("StoryPush", "userId"),
];
/// Optional in Rust, and given to each before it is written.
const GIVEN: (&str, &str) = ("Problem", "requestId");
/// Fields of requests whose absence keeps what is there, and that cannot be null.
const KEPT: [(&str, &str); 8] = [
    ("AccountUpdate", "isBlocked"),
    ("AccountUpdate", "role"),
    ("ProfileUpdate", "firstName"),
    ("ProfileUpdate", "lastName"),
    ("ProfileUpdate", "preferences"),
    ("SettingsUpdate", "approval"),
    ("SettingsUpdate", "joining"),
    ("StoryUpdate", "content"),
];
/// Requests that take parts of any name.
const OPEN: [&str; 1] = ["Upload"];

/// Completes the schemas of a document, of which requests are made of these and what they refer to.
pub fn complete(schemas: &mut Map<String, Value>, requests: BTreeSet<String>) {
    let requests = with_references(schemas, requests);
    inline_numbers(schemas);
    schemas.values_mut().for_each(beside_reference);
    name_items(schemas);
    frames(schemas);
    for (name, schema) in schemas.iter_mut() {
        if requests.contains(name) {
            any_number(schema);
            close(name, schema);
        } else {
            always_there(name, schema);
        }
    }
    words::tell(schemas);
    bounds::tell(schemas);
}

/// The schemas to which a value refers.
pub fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(PLACE));
            found.extend(name.and_then(|name| name.split('/').next()).map(str::to_owned));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => (),
    }
}

fn with_references(schemas: &Map<String, Value>, mut names: BTreeSet<String>) -> BTreeSet<String> {
    let mut left: Vec<_> = names.iter().cloned().collect();
    while let Some(name) = left.pop() {
        let mut found = BTreeSet::new();
        schemas.get(&name).into_iter().for_each(|schema| references(schema, &mut found));
        left.extend(found.into_iter().filter(|name| names.insert(name.clone())));
    }
    names
}

pub(crate) fn reference(name: &str) -> Value {
    json!({"$ref": format!("{PLACE}{name}")})
}

/// The field of a schema, or of a part of it.
fn field_mut<'s>(schema: &'s mut Value, field: &str) -> Option<&'s mut Value> {
    if schema["properties"].get(field).is_some() {
        return schema["properties"].get_mut(field);
    }
    schema.get_mut("allOf")?.as_array_mut()?.iter_mut().find_map(|part| part.get_mut("properties")?.get_mut(field))
}

/// A position is a number, and no schema of its own.
fn inline_numbers(schemas: &mut Map<String, Value>) {
    fn inline(value: &mut Value, number: &Value) {
        if let Some(fields) = value.as_object_mut()
            && fields.get("$ref").and_then(Value::as_str).is_some_and(|path| path.ends_with("/u64"))
        {
            fields.remove("$ref");
            fields.extend(number.as_object().cloned().unwrap_or_default());
        }
        match value {
            Value::Object(fields) => fields.values_mut().for_each(|field| inline(field, number)),
            Value::Array(items) => items.iter_mut().for_each(|item| inline(item, number)),
            _ => (),
        }
    }
    if let Some(number) = schemas.remove("u64") {
        schemas.values_mut().for_each(|schema| inline(schema, &number));
    }
}

/// Takes `null` out of a choice where the other is a plain type, and puts the description beside the choice.
fn beside_reference(value: &mut Value) {
    let alternatives = value.get("oneOf").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let other = match alternatives {
        [null, other] | [other, null] if null["type"] == "null" => Some(other.clone()),
        _ => None,
    };
    if let Some(mut other) = other {
        let described = value.get("description").cloned();
        let description = other.as_object_mut().and_then(|other| other.remove("description")).or(described);
        *value = match other["type"].as_str() {
            Some(kind) => {
                other["type"] = json!([kind, "null"]);
                other
            }
            None => json!({"oneOf": [other, {"type": "null"}]}),
        };
        if let Some(description) = description {
            value["description"] = description;
        }
    }
    match value {
        Value::Object(fields) => fields.values_mut().for_each(beside_reference),
        Value::Array(items) => items.iter_mut().for_each(beside_reference),
        _ => (),
    }
}

/// The items of a list are named, not repeated.
fn name_items(schemas: &mut Map<String, Value>) {
    let names: Vec<_> = schemas.keys().filter_map(|name| Some(name.strip_prefix("List_")?.to_owned())).collect();
    for name in names {
        if schemas.contains_key(&name)
            && let Some(list) = schemas.get_mut(&format!("List_{name}"))
        {
            list["properties"]["items"]["items"] = reference(&name);
        }
    }
}

/// The frames that catching up answers.
fn frames(schemas: &mut Map<String, Value>) {
    let Some(page) = schemas.get_mut("SyncPage") else { return };
    page["properties"]["events"]["items"] = reference("PushFrame");
    let mut frame = pushed(&json!({"description": "What changed, after the change: see `/asyncapi.json`."}));
    frame["properties"]["event"] = json!({"type": "string", "description": "What happened: `message.sent` …"});
    frame["description"] = "The frame of a push, as on `/ws`.".into();
    schemas.insert("PushFrame".to_owned(), frame);
}

/// The frame of a push with this `data`, but for its name.
pub fn pushed(data: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["event", "position", "cursor", "at", "actorId", "data"],
        "properties": {
            "event": {},
            "position": {
                "type": "integer", "format": "int64", "minimum": 0, "description": "The event's place in the one order.",
            },
            "cursor": {"type": "string", "description": "Resume from here to miss nothing after this frame."},
            "at": {"type": "string", "format": "date-time", "description": "When it was recorded."},
            "actorId": {"type": ["string", "null"], "format": "uuid", "description": "Who acted; null for the system."},
            "data": data,
        },
    })
}

/// Numbers that are asked for may be beyond those that fit the sign, as all of 64 bits are taken.
pub fn any_number(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("format").is_some_and(|format| format == "int64") {
                fields.remove("format");
                fields.entry("maximum").or_insert_with(|| u64::MAX.into());
            }
            fields.values_mut().for_each(any_number);
        }
        Value::Array(items) => items.iter_mut().for_each(any_number),
        _ => (),
    }
}

/// What is not known is refused.
fn close(name: &str, schema: &mut Value) {
    if OPEN.contains(&name) || schema.get("properties").is_none() {
        return;
    }
    schema["additionalProperties"] = false.into();
    for (_, field) in KEPT.iter().filter(|(of, _)| *of == name) {
        if let Some(field) = field_mut(schema, field) {
            not_null(field);
        }
    }
}

/// Answers have all of their fields, null or not, but for those that are left out.
fn always_there(name: &str, schema: &mut Value) {
    let is_left_out = |field: &str| LEFT_OUT.iter().chain(&LEFT_OUT_OF_PUSHES).any(|left| *left == (name, field));
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let is_never_null = |field: &str| is_left_out(field) || GIVEN == (name, field);
        properties.iter_mut().filter(|(field, _)| is_never_null(field)).for_each(|(_, field)| not_null(field));
        let required: Vec<_> = properties.keys().filter(|field| !is_left_out(field)).cloned().collect();
        if !required.is_empty() {
            schema["required"] = required.into();
        }
    }
    for choice in ["allOf", "oneOf"] {
        let parts = schema.get_mut(choice).and_then(Value::as_array_mut);
        parts.into_iter().flatten().for_each(|part| always_there(name, part));
    }
}

fn not_null(field: &mut Value) {
    if let Some([kind, null]) = field["type"].as_array().map(Vec::as_slice)
        && null == "null"
    {
        field["type"] = kind.clone();
    }
}

/// Whether null is one of its values.
fn is_nullable(field: &Value) -> bool {
    field["type"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
}

/// Schema and field of all that is described here.
pub fn described() -> impl Iterator<Item = (&'static str, &'static str)> {
    let words = words::FIELDS.iter().map(|(schema, field, _)| (*schema, *field));
    let bounds = bounds::all().into_iter().map(|(schema, field, _)| (schema, field));
    words.chain(bounds).chain(LEFT_OUT).chain(LEFT_OUT_OF_PUSHES).chain(KEPT)
}

/// The fields of answers that can be absent.
#[must_use]
pub fn optional() -> BTreeSet<&'static str> {
    LEFT_OUT.iter().chain(&LEFT_OUT_OF_PUSHES).chain([&GIVEN]).map(|(_, field)| *field).collect()
}
