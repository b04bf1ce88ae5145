//! What is said on the sockets, held against `/asyncapi.json`.

use super::Said;
use boon::{Compiler, Draft, SchemaIndex, Schemas};
use operations::Operations;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The schema of each message by its channel and name, and what was found of it.
pub(crate) struct Witness {
    schemas: Schemas,
    messages: BTreeMap<(&'static str, String), SchemaIndex>,
    seen: BTreeSet<(&'static str, String)>,
    pub(crate) faults: BTreeSet<String>,
}

impl Witness {
    pub(crate) fn new() -> Self {
        let mut document = sockets::asyncapi::document::<Operations>();
        whole(&mut document);
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.set_default_draft(Draft::V2020_12);
        compiler.enable_format_assertions();
        let mut names = Vec::new();
        for channel in ["ws", "socketio"] {
            let messages = document["channels"][channel]["messages"].as_object().expect("messages");
            names.extend(messages.keys().map(|name| (channel, name.clone())));
        }
        compiler.add_resource("asyncapi.json", document).expect("a document");
        let compiled = names.into_iter().map(|(channel, name)| {
            let place = format!("asyncapi.json#/channels/{channel}/messages/{name}/payload");
            let schema = compiler.compile(&place, &mut schemas).unwrap_or_else(|error| panic!("{place}: {error:#}"));
            ((channel, name), schema)
        });
        let messages = compiled.collect();
        Self { schemas, messages, seen: BTreeSet::new(), faults: BTreeSet::new() }
    }

    /// That a value is as the message says.
    fn check(&mut self, channel: &'static str, message: &str, value: &Value) {
        let place = (channel, message.to_owned());
        let faults = match self.messages.get(&place) {
            None => vec![format!("is not in the document: {value}")],
            Some(schema) => match self.schemas.validate(value, *schema) {
                Ok(()) => Vec::new(),
                Err(error) => error.to_string().lines().skip(1).map(|line| line.trim().to_owned()).collect(),
            },
        };
        self.faults.extend(faults.into_iter().map(|fault| format!("{channel} {message} {fault}")));
        self.seen.insert(place);
    }

    pub(crate) fn hear(&mut self, said: &Said<'_>) {
        match *said {
            Said::Command(command, reply) => {
                let cmd = command["cmd"].as_str().unwrap();
                if reply.get("ok").is_some() {
                    self.check("ws", &format!("command.{cmd}"), command);
                    self.check("ws", &format!("reply.{cmd}"), reply);
                } else {
                    self.check("ws", "error", reply);
                }
            }
            Said::Frame(frame) => {
                let kinds = [("hello", "hello"), ("pong", "pong"), ("reply", "error")];
                let received = frame.get("event").or_else(|| frame.get("signal")).and_then(Value::as_str);
                let other = kinds.into_iter().find(|(field, _)| frame.get(field).is_some()).map(|(_, name)| name);
                self.check("ws", received.or(other).unwrap_or("a frame of no kind"), frame);
            }
            Said::Emitted(event, payload, ack) => {
                if ack["status"] == "success" {
                    self.check("socketio", &format!("client.{event}"), payload);
                }
                self.check("socketio", &format!("ack.{event}"), ack);
                if event == "cmd" && ack["status"] == "success" {
                    self.check("ws", &format!("command.{}", payload["cmd"].as_str().unwrap()), payload);
                    let reply = json!({"reply": "1", "ok": ack["ok"]});
                    self.check("ws", &format!("reply.{}", payload["cmd"].as_str().unwrap()), &reply);
                }
            }
            Said::Event(event, payload) if event == MOVED => assert!(payload.is_array()),
            // The refusal of CONNECT is a packet of Socket.IO's own.
            Said::Event("connect_error", _) => (),
            Said::Event(event, payload) => self.check("socketio", &format!("server.{event}"), payload),
        }
    }

    /// The messages of the document that were not seen.
    pub(crate) fn unseen(&self) -> BTreeSet<String> {
        let unseen = self.messages.keys().filter(|message| !self.seen.contains(*message));
        unseen.map(|(channel, name)| format!("{channel} {name}")).collect()
    }
}

/// The name of an event of the clients' own.
pub(crate) const MOVED: &str = "moved";

/// Has each object with named fields take no others, in a copy of the document.
fn whole(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
    // What is a part of another schema may stand beside the fields of other parts.
    let mut parts = Map::new();
    for (name, schema) in schemas.iter_mut() {
        close(schema, false);
        let mut part = schema.clone();
        part.as_object_mut().expect("a schema").remove("unevaluatedProperties");
        parts.insert(part_of(name), part);
    }
    schemas.extend(parts);
    let channels = document["channels"].as_object_mut().expect("channels");
    for message in channels.values_mut().flat_map(|channel| channel["messages"].as_object_mut().into_iter().flatten()) {
        close(&mut message.1["payload"], false);
    }
}

fn part_of(name: &str) -> String {
    format!("part.{name}")
}

fn close(schema: &mut Value, is_part: bool) {
    const PLACE: &str = "#/components/schemas/";
    if is_part
        && let Some(name) = schema["$ref"].as_str().and_then(|place| place.strip_prefix(PLACE))
        && !name.contains('/')
    {
        schema["$ref"] = json!(format!("{PLACE}{}", part_of(name)));
    }
    let Some(fields) = schema.as_object_mut() else { return };
    let has_parts = fields.contains_key("allOf");
    if !is_part && (has_parts || fields.contains_key("properties")) && !fields.contains_key("additionalProperties") {
        fields.insert("unevaluatedProperties".to_owned(), false.into());
    }
    for (keyword, value) in fields.iter_mut() {
        match keyword.as_str() {
            "properties" => value.as_object_mut().into_iter().flatten().for_each(|(_, field)| close(field, false)),
            "items" => close(value, false),
            "allOf" => value.as_array_mut().into_iter().flatten().for_each(|part| close(part, true)),
            "oneOf" | "anyOf" => value.as_array_mut().into_iter().flatten().for_each(|part| close(part, is_part)),
            _ => (),
        }
    }
}
