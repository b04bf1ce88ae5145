//! Stored events stay readable (I8): for every (type, version) ever written there is a file that today's build
//! decodes, and what is written today is what the file of today's version says.

mod samples;

use domain::{DecodeError, Event, EventType, conversation::ConversationEvent};
use samples::samples;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn file_name(event_type: &str, version: u16) -> String {
    format!("{event_type}.v{version}.json")
}

fn golden(event_type: &str, version: u16) -> String {
    let path = folder().join(file_name(event_type, version));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The decoded form of a file of an older version: the sample with the fields of that version.
fn as_of(version: u16, sample: &Event) -> Event {
    match sample.clone() {
        Event::Conversation(ConversationEvent::Created {
            conversation_type, created_by, members, settings, ..
        }) if version == 1 => {
            // Version 1 knew no approval.
            let (approval, joining) = (false, None);
            ConversationEvent::Created { conversation_type, created_by, members, settings, approval, joining }.into()
        }
        Event::Conversation(ConversationEvent::MemberJoined { user, .. }) if version == 1 => {
            ConversationEvent::MemberJoined { user, invite: None, at: None }.into()
        }
        Event::Conversation(ConversationEvent::MemberRequested { user, .. }) if version == 1 => {
            ConversationEvent::MemberRequested { user, invite: None, at: None }.into()
        }
        same => same,
    }
}

#[test]
fn every_type_has_a_name_of_its_own_and_one_sample() {
    let mut names: Vec<_> = EventType::all().map(|kind| kind.name).collect();
    let mut sampled: Vec<_> = samples().iter().map(|event| event.event_type().name).collect();
    names.sort_unstable();
    sampled.sort_unstable();
    assert_eq!(sampled, names);
    names.dedup();
    assert_eq!(names.len(), sampled.len(), "no two types have the same name");
}

#[test]
fn every_type_is_of_the_aggregate_of_its_events() {
    for sample in samples() {
        assert_eq!(sample.event_type().aggregate, sample.aggregate_type(), "{}", sample.event_type().name);
    }
}

#[test]
fn every_version_of_every_type_is_decoded() {
    for sample in samples() {
        let kind = sample.event_type();
        for version in 1..=kind.version {
            let payload: Value = serde_json::from_str(&golden(kind.name, version)).unwrap();
            let decoded = Event::decode(kind.name, version, payload).unwrap();
            assert_eq!(decoded, as_of(version, &sample), "{}", file_name(kind.name, version));
        }
    }
}

#[test]
fn the_golden_files_hold_the_payloads_written_today() {
    for sample in samples() {
        let kind = sample.event_type();
        let written = serde_json::to_string_pretty(&sample).unwrap() + "\n";
        assert_eq!(written, golden(kind.name, kind.version), "{}", file_name(kind.name, kind.version));
    }
}

/// Fields added later: files with and without them are decoded.
#[test]
fn fields_added_since_are_optional() {
    let at = Value::from("2026-11-23T19:06:58.120Z");
    for (event_type, version, added) in [
        ("conversation.created", 2, vec![("joining", Value::from("open"))]),
        ("conversation.updated", 1, vec![("joining", Value::from("invite")), ("at", at.clone())]),
        ("member.joined", 2, vec![("at", at.clone())]),
        ("member.requested", 2, vec![("at", at.clone())]),
        ("member.added", 1, vec![("at", at.clone())]),
        ("member.promoted", 1, vec![("at", at.clone())]),
        ("friend.requested", 1, vec![("at", at.clone())]),
        ("friend.rejected", 1, vec![("at", at.clone())]),
        ("friend.unblocked", 1, vec![("at", at.clone())]),
    ] {
        let mut payload: Value = serde_json::from_str(&golden(event_type, version)).unwrap();
        for (field, value) in added {
            payload[field] = value;
        }
        let decoded = Event::decode(event_type, version, payload.clone()).unwrap();
        assert_eq!(serde_json::to_value(&decoded).unwrap(), payload, "{event_type}");
    }
}

#[test]
fn every_file_is_of_a_version_that_was_written() {
    let known = EventType::all().flat_map(|kind| (1..=kind.version).map(move |version| file_name(kind.name, version)));
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), known.collect());
}

#[test]
fn a_payload_that_no_build_wrote_is_refused() {
    for sample in samples() {
        let kind = sample.event_type();
        let payload = || serde_json::to_value(&sample).unwrap();
        for version in [0, kind.version + 1] {
            let refused = Event::decode(kind.name, version, payload());
            assert!(matches!(refused, Err(DecodeError::Unknown { .. })), "{} {version}", kind.name);
        }
        let shapeless = Event::decode(kind.name, kind.version, Value::Null);
        assert!(matches!(shapeless, Err(DecodeError::Shape { .. })), "{}", kind.name);
        let (family, _) = kind.name.split_once('.').unwrap();
        let renamed = Event::decode(&format!("{family}.unknown"), 1, payload());
        assert!(matches!(renamed, Err(DecodeError::Unknown { .. })), "{}", kind.name);
    }
    let newer = serde_json::json!({"type": "message.starred", "by": "somebody"});
    let newer = Event::decode("message.starred", 1, newer);
    assert!(matches!(newer, Err(DecodeError::Unknown { .. })), "a type of a newer build is not a misshapen one");
    let alien = Event::decode("whisper.sent", 1, Value::Null);
    assert!(matches!(alien, Err(DecodeError::Unknown { .. })));
}

#[test]
fn a_type_is_known_whatever_its_payload() {
    for kind in EventType::all() {
        assert!(Event::knows(kind.name), "{}", kind.name);
    }
    for newer in ["message.starred", "member.knighted", "whisper.sent", "message", "", "."] {
        assert!(!Event::knows(newer), "{newer}");
    }
}
