//! Stored events stay readable (I8): for every (type, version) ever written there is a file that today's build
//! decodes, and what is written today is what the file of today's version says.

mod samples;

use domain::{DecodeError, Event, conversation::ConversationEvent};
use samples::{KINDS, number, samples};
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

/// What a file of an older version is decoded to: the sample as that version knew it.
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
fn every_kind_has_a_sample() {
    let sampled: BTreeSet<_> = samples().iter().map(number).collect();
    assert_eq!(sampled, (0..KINDS).collect());
    let names: BTreeSet<_> = samples().iter().map(|event| event.kind().name).collect();
    assert_eq!(names.len(), KINDS, "each kind has a name of its own");
}

#[test]
fn every_version_of_every_kind_is_decoded() {
    for sample in samples() {
        let kind = sample.kind();
        for version in 1..=kind.version {
            let payload: Value = serde_json::from_str(&golden(kind.name, version)).unwrap();
            let decoded = Event::decode(kind.name, version, payload).unwrap();
            assert_eq!(decoded, as_of(version, &sample), "{}", file_name(kind.name, version));
        }
    }
}

#[test]
fn today_is_written_what_the_files_say() {
    for sample in samples() {
        let kind = sample.kind();
        let written = serde_json::to_string_pretty(&sample).unwrap() + "\n";
        assert_eq!(written, golden(kind.name, kind.version), "{}", file_name(kind.name, kind.version));
    }
}

/// Fields that came later: a file that has none of them, and what was written since with them, are both decoded.
#[test]
fn what_was_added_since_is_optional() {
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
    let known = samples().into_iter().flat_map(|event| {
        let kind = event.kind();
        (1..=kind.version).map(move |version| file_name(kind.name, version))
    });
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), known.collect());
}

#[test]
fn what_no_build_wrote_is_refused() {
    for sample in samples() {
        let kind = sample.kind();
        let payload = || serde_json::to_value(&sample).unwrap();
        for version in [0, kind.version + 1] {
            let refused = Event::decode(kind.name, version, payload());
            assert!(matches!(refused, Err(DecodeError::Unknown { .. })), "{} {version}", kind.name);
        }
        let shapeless = Event::decode(kind.name, kind.version, Value::Null);
        assert!(matches!(shapeless, Err(DecodeError::Shape { .. })), "{}", kind.name);
        let (family, _) = kind.name.split_once('.').unwrap();
        let renamed = Event::decode(&format!("{family}.unheard_of"), 1, payload());
        assert!(matches!(renamed, Err(DecodeError::Unknown { .. })), "{}", kind.name);
    }
    let newer = serde_json::json!({"type": "message.pinned", "by": "somebody"});
    let newer = Event::decode("message.pinned", 1, newer);
    assert!(matches!(newer, Err(DecodeError::Unknown { .. })), "a type of a newer build is not a misshapen one");
    let alien = Event::decode("whisper.heard", 1, Value::Null);
    assert!(matches!(alien, Err(DecodeError::Unknown { .. })));
}

#[test]
fn a_type_is_known_whatever_its_payload() {
    for sample in samples() {
        assert!(Event::knows(sample.kind().name), "{}", sample.kind().name);
    }
    for newer in ["message.pinned", "member.knighted", "whisper.heard", "message", "", "."] {
        assert!(!Event::knows(newer), "{newer}");
    }
}
