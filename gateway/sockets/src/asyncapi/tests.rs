//! The document is complete, and says nothing that is not.

use super::{
    EVENTS, SIGNALS, document, fields,
    socket_io::{ANSWERS, FROM_CLIENTS, MORE_WORDS, OLD_WORDS},
};
use crate::session::Commands;
use domain::EventType;
use operations::Operations;
use protocol::vocabulary;
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn every_push_is_documented_and_nothing_else() {
    let pushed: BTreeSet<_> = EventType::all().filter_map(|kind| kind.push).collect();
    let documented: BTreeSet<_> = EVENTS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(pushed, documented);
    assert_eq!(documented.len(), EVENTS.len());
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => (),
        }
    }
    let document = document::<Operations>();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 2 * (EVENTS.len() + Commands::of::<Operations>().iter().count()));
    for reference in found {
        let path = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(path).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn each_command_and_each_close_code_is_there_once() {
    let document = document::<Operations>();
    let names: BTreeSet<_> = Commands::of::<Operations>().iter().map(|command| command.name).collect();
    assert_eq!(names.len(), Commands::of::<Operations>().iter().count());
    for name in names {
        assert!(document["operations"].get(format!("command.{name}")).is_some(), "{name}");
    }
    let codes = document["channels"]["ws"]["x-close-codes"].as_array().unwrap();
    let codes: BTreeSet<_> = codes.iter().filter_map(|close| close["code"].as_u64()).collect();
    for code in [1000, 1001, 1008, 1009, 1012, 4001, 4008, 4009, 4029] {
        assert!(codes.contains(&code), "{code}");
    }
}

#[test]
fn the_names_of_the_server_are_reserved() {
    let pushes = EVENTS.iter().map(|(name, ..)| *name);
    let signals = SIGNALS.iter().map(|(name, ..)| *name);
    let own = vocabulary::SERVER_EVENTS;
    for name in pushes.chain(signals).chain(own).chain(["connect", "call.ringing"]) {
        assert!(vocabulary::is_reserved(name), "{name}");
    }
    for name in ["cursorMoved", "messages", "Typing"] {
        assert!(!vocabulary::is_reserved(name), "{name}");
    }
}

#[test]
fn every_event_of_socket_io_is_documented_and_nothing_else() {
    let names = |lists: &[&[(&'static str, &str, &[&str])]]| -> BTreeSet<&'static str> {
        lists.iter().flat_map(|list| list.iter().map(|(name, ..)| *name)).collect()
    };
    assert_eq!(names(&[&FROM_CLIENTS]), BTreeSet::from(vocabulary::CLIENT_EVENTS));
    let mut documented = names(&[&ANSWERS, &OLD_WORDS, &MORE_WORDS]);
    documented.insert("hello");
    assert_eq!(documented, BTreeSet::from(vocabulary::SERVER_EVENTS));
    let document = document::<Operations>();
    let messages = document["channels"]["socketio"]["messages"].as_object().unwrap();
    let prefixed = |prefix: &str, name: &str| messages.contains_key(&format!("{prefix}.{name}"));
    assert!(vocabulary::CLIENT_EVENTS.iter().all(|name| prefixed("client", name)));
    assert!(vocabulary::SERVER_EVENTS.iter().all(|name| prefixed("server", name)));
    assert!(EVENTS.iter().all(|(name, ..)| prefixed("server", name)));
}

#[test]
fn every_field_of_socket_io_has_a_type() {
    let of_client = FROM_CLIENTS.iter().map(|event| ("client", event));
    let of_server = ANSWERS.iter().chain(&OLD_WORDS).chain(&MORE_WORDS).map(|event| ("server", event));
    for (side, (event, _, names)) in of_client.chain(of_server) {
        for name in *names {
            let name = name.trim_end_matches('?');
            assert!(fields::of_event(side, event, name).is_some(), "{side} {event}.{name}");
        }
    }
}

#[test]
fn every_event_of_a_client_has_its_acknowledgement() {
    let document = document::<Operations>();
    for (event, ..) in FROM_CLIENTS {
        let reply = &document["operations"][format!("socketio.{event}")]["reply"]["messages"][0]["$ref"];
        assert_eq!(reply, &format!("#/channels/socketio/messages/ack.{event}"));
        let ack = &document["channels"]["socketio"]["messages"][format!("ack.{event}")]["payload"]["oneOf"];
        assert_eq!(ack[1]["properties"]["error"]["$ref"], "#/components/schemas/Problem", "{event}");
    }
}

#[test]
fn it_says_where_the_sockets_are_and_with_what_credentials() {
    let document = document::<Operations>();
    for server in document["servers"].as_object().unwrap().values() {
        assert!(!server["security"].as_array().unwrap().is_empty());
    }
    for channel in document["channels"].as_object().unwrap().values() {
        assert!(channel["servers"][0]["$ref"].is_string() && channel["description"].is_string());
    }
}

#[test]
fn a_command_takes_its_ids_and_fields_and_no_others() {
    let document = document::<Operations>();
    let data = &document["channels"]["ws"]["messages"]["command.message.send"]["payload"]["properties"]["data"];
    assert_eq!(data["additionalProperties"], false);
    assert_eq!(data["required"], serde_json::json!(["conversationId"]));
    assert!(data["properties"]["conversationId"].is_object() && data["properties"]["content"]["$ref"].is_string());
}
