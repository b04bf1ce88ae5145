//! What the derives cannot say of the OpenAPI document: closed lists, bounds, headers of answers, descriptions of all.

use super::{KEY, POSITION_HEADER, SOCKETS};
use crate::routes::{audit::LONGEST_WORD, presence::MAX_ASKED};
use domain::text::limits::SEARCH;
use operations::schemas::{CONTACT, LICENSE};
use operations::{LONGEST_KEY, schemas};
use projections::Projection;
use protocol::problem::PROBLEM_JSON;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The names of types of events.
const LOG_TYPE: &str = "^[a-z._]+$";

/// The tags, and what their routes are for.
const TAGS: [(&str, &str); 16] = [
    ("auth", "Accounts, tokens and signed-in devices."),
    ("users", "People, and one's own account."),
    ("friends", "Friendships, requests and blocks."),
    ("conversations", "Conversations and who is in them."),
    ("invites", "Codes with which people come into groups."),
    ("messages", "Messages, reactions and receipts."),
    ("calls", "Voice and video calls."),
    ("files", "Uploads and downloads."),
    ("stories", "Stories of a day, likes and comments."),
    ("presence", "Who is here."),
    ("sync", "What was missed."),
    ("reports", "What is reported to moderators."),
    ("admin", "For moderators and administrators."),
    ("audit", "The log, for administrators."),
    ("monitoring", "How the server is."),
    ("documents", "This document, and that of the sockets."),
];

/// What derives cannot say: who serves it, headers of answers, closed lists, and descriptions of all there is.
pub(super) fn finished(mut document: Value) -> Value {
    document["info"]["license"] = json!({"name": LICENSE, "identifier": "LicenseRef-All-Rights-Reserved"});
    document["info"]["contact"] = json!({"name": CONTACT});
    document["servers"] = json!([{"url": "/", "description": "The server that serves this document."}]);
    let sockets = [(SOCKETS, "Where sockets open; see `/asyncapi.json`.")];
    let tags = TAGS.into_iter().chain(sockets).map(|(name, says)| json!({"name": name, "description": says}));
    document["tags"] = tags.collect();
    let mut requests = BTreeSet::new();
    for (_, _, operation) in operations_of(&mut document) {
        if let Some(body) = operation.get_mut("requestBody") {
            may_be_absent(body);
            schemas::references(body, &mut requests);
        }
    }
    if let Some(all) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas::complete(all, requests);
    }
    document["components"]["headers"] = headers();
    let all = document["components"]["schemas"].clone();
    for (path, method, operation) in operations_of(&mut document) {
        describe(operation);
        bound_parameters(&path, operation);
        let writes = operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["name"] == KEY);
        let responses = operation["responses"].as_object_mut();
        for (status, response) in responses.into_iter().flatten() {
            describe_response(&method, response, &all);
            let common = common_headers(&path, status, response, writes);
            if let Some(response) = response.as_object_mut() {
                let headers = response.entry("headers").or_insert_with(|| json!({}));
                headers.as_object_mut().into_iter().for_each(|headers| headers.extend(common.clone()));
            }
            for (_, header) in entries_mut(response, "headers") {
                if header.get("$ref").is_none() && header.get("description").is_none() {
                    header["description"] = "As HTTP has it.".into();
                }
            }
        }
    }
    document
}

/// The operations of the document, with path and method.
fn operations_of(document: &mut Value) -> impl Iterator<Item = (String, String, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object_mut().into_iter().flatten();
        operations.map(move |(method, operation)| (path.clone(), method.clone(), operation))
    })
}

/// What an object has at a name, if that is an object.
fn entries_mut<'v>(value: &'v mut Value, name: &str) -> impl Iterator<Item = (&'v String, &'v mut Value)> {
    value.get_mut(name).and_then(Value::as_object_mut).into_iter().flatten()
}

/// A body that may be absent is described as what it is when it is there.
fn may_be_absent(body: &mut Value) {
    let mut may = false;
    for (_, content) in entries_mut(body, "content") {
        let choices = content["schema"]["oneOf"].as_array().into_iter().flatten();
        let there: Vec<_> = choices.filter(|choice| choice["type"] != "null").cloned().collect();
        if let [schema] = &there[..] {
            content["schema"] = schema.clone();
            may = true;
        }
    }
    if may {
        body["required"] = false.into();
    }
}

fn headers() -> Value {
    let whole = json!({"type": "integer", "format": "int64", "minimum": 0});
    json!({
        "Position": {
            "description": "the position of the change, which is durable whether the read models show it yet or not: send \
                            it with a read that must show it; absent when nothing changed",
            "schema": whole,
        },
        "RequestId": {
            "description": "names the request in the server's log: `requestId` of a problem",
            "schema": {"type": "string", "format": "uuid"},
        },
        "RetryAfter": {
            "description": "after how many seconds to try again",
            "schema": {"type": "integer", "format": "int32", "minimum": 1},
        },
        "Authenticate": {"description": "`Bearer`", "schema": {"type": "string"}},
        "CacheControl": {
            "description": "`no-store`; of files `private, no-cache`: they may be kept, and are asked for each time",
            "schema": {"type": "string"},
        },
    })
}

/// The headers of an answer.
fn common_headers(path: &str, status: &str, response: &Value, writes: bool) -> Map<String, Value> {
    let header = |name: &str, place: &str| (name.to_owned(), json!({"$ref": format!("#/components/headers/{place}")}));
    let is_problem = response["content"].get(PROBLEM_JSON).is_some();
    let mut common = vec![header("X-Request-Id", "RequestId")];
    // The documents are the same for everybody.
    if !matches!(path, "/openapi.json" | "/asyncapi.json") {
        common.push(header("Cache-Control", "CacheControl"));
    }
    if writes && status.starts_with('2') {
        common.push(header(POSITION_HEADER, "Position"));
    }
    // Engine.IO says it without a document.
    let says_when = is_problem || path.starts_with("/socket.io/");
    if says_when && matches!(status, "429" | "503") {
        common.push(header("Retry-After", "RetryAfter"));
    }
    if is_problem && status == "401" {
        common.push(header("WWW-Authenticate", "Authenticate"));
    }
    common.into_iter().collect()
}

/// The first sentence is the summary; the whole is the description.
fn describe(operation: &mut Value) {
    let said = ["summary", "description"].map(|name| operation[name].as_str().unwrap_or_default().to_owned());
    let said = said.join("\n").split_whitespace().collect::<Vec<_>>().join(" ");
    let end = said.find(". ").map_or(said.len(), |end| end + 1);
    operation["summary"] = said[..end].trim_end_matches('.').into();
    operation["description"] = said.into();
}

/// An answer that is not described is what its schema describes.
fn describe_response(method: &str, response: &mut Value, schemas: &Value) {
    if response["description"].as_str().is_none_or(str::is_empty) {
        let name = response["content"]["application/json"]["schema"]["$ref"].as_str().map(str::to_owned);
        let name = name.as_deref().and_then(|path| path.rsplit('/').next());
        let says = name.and_then(|name| schemas[name]["description"].as_str());
        let done = if method == "get" { "It is there." } else { "It was done." };
        response["description"] = says.unwrap_or(done).into();
    }
    // Bytes, and not a list of numbers.
    for (kind, content) in entries_mut(response, "content") {
        if kind != "application/json" && content["schema"]["type"] == "array" {
            content["schema"] = json!({"type": "string", "format": "binary"});
        }
    }
}

fn bound_parameters(path: &str, operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        if parameter["in"] == "header" && parameter["required"] == false {
            // A header is there or not.
            parameter["schema"]["type"] = match parameter["schema"]["type"].take() {
                Value::Array(kinds) => kinds.into_iter().find(|kind| kind != "null").unwrap_or_default(),
                kind => kind,
            };
        }
        schemas::any_number(&mut parameter["schema"]);
        if let Some(words) = schemas::of_parameter(path, &name) {
            parameter["schema"]["enum"] = words.into();
        }
        let bounds = match name.as_str() {
            KEY => json!({"minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"}),
            POSITION_HEADER => json!({"minimum": 0, "maximum": u64::MAX}),
            "at" | "from" | "to" if path.starts_with("/admin/audit/") => {
                json!({"anyOf": [{"pattern": "^[0-9]{1,19}$"}, {"format": "date-time"}]})
            }
            "type" if path.starts_with("/admin/audit/") => json!({"pattern": LOG_TYPE, "maxLength": LONGEST_WORD}),
            "q" | "query" => json!({"minLength": 1, "maxLength": SEARCH}),
            "userIds" => json!({"maxItems": MAX_ASKED}),
            "emoji" => json!({"minLength": 1, "maxLength": 128}),
            "code" => json!({"pattern": schemas::INVITE_CODE}),
            "name" => json!({"enum": Projection::ALL.map(Projection::name)}),
            // A parameter without a value is refused; a cursor may be empty.
            _ if parameter["in"] == "query" && name != "since" => json!({"minLength": 1}),
            _ => continue,
        };
        if let (Value::Object(schema), Value::Object(bounds)) = (&mut parameter["schema"], bounds) {
            schema.extend(bounds);
        }
    }
}
