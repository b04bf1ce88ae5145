//! The document is complete, and says nothing that is not.

use super::{
    COMMANDS, EVENTS, document,
    socket_io::{ANSWERS, FROM_CLIENTS, MORE_WORDS, OLD_WORDS},
};
use crate::{
    operations,
    push::{self, is_pushed},
    vocabulary,
};
use domain::Event;
use serde_json::Value;
use std::collections::BTreeSet;

/// An event of each kind: the golden files of the domain.
fn kinds() -> Vec<Event> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/tests/golden");
    let files = std::fs::read_dir(folder).expect("the golden files").map(|file| file.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let (name, version) = stem.rsplit_once(".v").expect("<type>.v<version>.json");
            let payload = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            Event::decode(name, version.parse().unwrap(), payload).unwrap()
        })
        .collect()
}

#[test]
fn every_push_is_documented_and_nothing_else() {
    let pushed: BTreeSet<_> = kinds().iter().filter(|event| is_pushed(event)).map(push::name).collect();
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
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 2 * (EVENTS.len() + COMMANDS.len()));
    for reference in found {
        let path = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(path).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_command_is_documented_and_nothing_else() {
    let dispatched: BTreeSet<_> =
        operations::COMMANDS.iter().copied().chain(["auth", "ping", "sync", "presence.subscribe"]).collect();
    let documented: BTreeSet<_> = COMMANDS.iter().map(|command| command.name).collect();
    assert_eq!(dispatched, documented);
    assert_eq!(documented.len(), COMMANDS.len());
}

#[test]
fn each_command_and_each_close_code_is_there_once() {
    let document = document();
    let names: BTreeSet<_> = COMMANDS.iter().map(|command| command.name).collect();
    assert_eq!(names.len(), COMMANDS.len());
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
fn every_event_of_socket_io_is_documented_and_nothing_else() {
    let names = |lists: &[&[(&'static str, &str, &[&str])]]| -> BTreeSet<&'static str> {
        lists.iter().flat_map(|list| list.iter().map(|(name, ..)| *name)).collect()
    };
    assert_eq!(names(&[&FROM_CLIENTS]), BTreeSet::from(vocabulary::CLIENT_EVENTS));
    let mut told = names(&[&ANSWERS, &OLD_WORDS, &MORE_WORDS]);
    told.insert("hello");
    assert_eq!(told, BTreeSet::from(vocabulary::SERVER_EVENTS));
    let document = document();
    let messages = document["channels"]["socketio"]["messages"].as_object().unwrap();
    let prefixed = |prefix: &str, name: &str| messages.contains_key(&format!("{prefix}.{name}"));
    assert!(vocabulary::CLIENT_EVENTS.iter().all(|name| prefixed("client", name)));
    assert!(vocabulary::SERVER_EVENTS.iter().all(|name| prefixed("server", name)));
    assert!(EVENTS.iter().all(|(name, ..)| prefixed("server", name)));
}
