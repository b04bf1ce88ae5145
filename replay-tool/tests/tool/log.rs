//! Reading the log: events, states and the chain, and the absence of a log.

use crate::support::{WORDS, World, run};
use serde_json::Value;
use sql::{Database, Engine, Location, query};
use std::fs;
use testkit::{Home, each_engine};

each_engine!(events_are_listed_and_sealed_unless_opened, |home| async move {
    let world = World::new(home).await;
    let (message, sent) = world.say(WORDS).await;
    let edited = world.edit(message, "meet me elsewhere").await;

    let all = world.run(&["events", "--format", "ndjson"]).await.expect(0).text;
    let all: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let positions: Vec<_> = all.iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, (1..=edited).collect::<Vec<_>>());
    assert_eq!(all[0]["type"], "account.registered");
    assert_eq!(all[0]["actorId"], world.ana.to_string());
    assert!(!all.iter().any(|event| event.to_string().contains(WORDS)));

    let opened = world.run(&["events", "--type", "message.sent", "--json", "--open"]).await.expect(0);
    assert_eq!(opened.json()["payload"]["content"]["value"]["body"], WORDS);

    let room = world.room.to_string();
    let table = world.run(&["events", "--type", "message", "--scope", &room, "--from", &edited.to_string()]).await;
    assert_eq!(table.expect(0).text.lines().count(), 1);
    let ben = world.ben.to_string();
    let by_ben = world.run(&["events", "--actor", &ben, "--format", "ndjson"]).await.expect(0);
    assert_eq!(by_ben.json()["aggregateId"], ben);
    let at = all[usize::try_from(sent).unwrap() - 1]["at"].as_str().unwrap().to_owned();
    let until = world.run(&["events", "--from", &at, "--to", &at, "--format", "ndjson"]).await.expect(0);
    assert_eq!(until.json()["position"], sent);
});

each_engine!(a_state_is_shown_as_it_was, |home| async move {
    let world = World::new(home).await;
    let (message, sent) = world.say(WORDS).await;
    world.edit(message, "meet me elsewhere").await;
    let id = message.to_string();

    let now = world.run(&["show", "message", &id]).await.expect(0).json();
    assert_eq!((&now["version"], &now["state"]["sent"]["content"]["body"]), (&2.into(), &"meet me elsewhere".into()));
    let then = world.run(&["show", "message", &id, "--at", &sent.to_string(), "--json"]).await.expect(0).json();
    assert_eq!((&then["version"], &then["state"]["sent"]["content"]["body"]), (&1.into(), &WORDS.into()));

    world.run(&["show", "message", &id, "--at", "1"]).await.expect(2);
    world.run(&["show", "message", &world.room.to_string()]).await.expect(2);
    world.run(&["show", "massage", &id]).await.expect(2);
});

each_engine!(a_call_is_shown_too, |home| async move {
    let world = World::new(home).await;
    let (call, rang) = world.call().await;
    let id = call.to_string();
    let now = world.run(&["show", "call", &id]).await.expect(0).json();
    assert_eq!((&now["version"], &now["state"]["status"]), (&2.into(), &"MISSED".into()));
    let then = world.run(&["show", "call", &id, "--at", &rang.to_string()]).await.expect(0).json();
    assert_eq!((&then["state"]["status"], &then["aggregateType"]), (&"RINGING".into(), &"call".into()));
});

each_engine!(the_chain_is_verified_and_compared_with_a_noted_head, |home| async move {
    let world = World::new(home).await;
    let (message, sent) = world.say(WORDS).await;
    let noted = world.run(&["chain", "head"]).await.expect(0);
    let head = world.home.folder().join("HEAD.json");
    fs::write(&head, &noted.text).unwrap();
    world.edit(message, "meet me elsewhere").await;

    let head = head.to_str().unwrap();
    let sound = world.run(&["chain", "verify", "--against", head, "--json"]).await.expect(0).json();
    assert_eq!((&sound["sound"], &sound["head"]["position"]), (&true.into(), &(sent + 1).into()));

    let mut other: Value = noted.json();
    assert!(other["signature"].is_string() && other["keyId"].is_string(), "{other}");
    other["chain"] = "00".repeat(32).into();
    fs::write(head, other.to_string()).unwrap();
    let faults = world.run(&["chain", "verify", "--against", head]).await.expect(1);
    assert!(faults.text.contains(&format!("the chain at {sent} is not the noted one")), "{faults:?}");
    assert!(faults.text.contains("is not as CHATCHIT_AUDIT_KEY signed it"), "{faults:?}");
    other["signature"] = Value::Null;
    fs::write(head, other.to_string()).unwrap();
    world.run(&["chain", "verify", "--against", head]).await.expect(2);
    other["signature"] = "".into();
    other["position"] = (sent + 100).into();
    fs::write(head, other.to_string()).unwrap();
    world.run(&["chain", "verify", "--against", head]).await.expect(1);
    world.run(&["chain", "verify", "--against", "not-there.json"]).await.expect(2);

    // The owner of the database can still change what it refuses; the chain shows it.
    let log = Database::connect(&world.home.log(), 1).await.unwrap();
    let disarm = match log.engine() {
        Engine::Sqlite => "DROP TRIGGER events_no_update",
        Engine::Postgres => "ALTER TABLE events DISABLE TRIGGER ALL",
    };
    log.execute(query(disarm)).await.unwrap();
    log.execute(query("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = $1").bind(sent)).await.unwrap();
    let faults = world.run(&["chain", "verify"]).await.expect(1);
    assert!(faults.text.contains(&format!("the event at {sent} is not what its digest says")), "{faults:?}");
});

each_engine!(the_chain_stays_whole_when_somebody_is_erased, |home| async move {
    let world = World::new(home).await;
    let (message, sent) = world.say(WORDS).await;
    world.edit(message, "meet me elsewhere").await;
    let noted = world.run(&["chain", "head"]).await.expect(0);
    let head = world.home.folder().join("HEAD.json");
    fs::write(&head, &noted.text).unwrap();
    let erased = world.erase_ana().await;

    let sound = world.run(&["chain", "verify", "--against", head.to_str().unwrap(), "--json"]).await.expect(0).json();
    assert_eq!((&sound["sound"], &sound["head"]["position"]), (&true.into(), &erased.into()));
    let opened = world.run(&["events", "--open", "--format", "ndjson"]).await.expect(0).text;
    for word in [WORDS, "elsewhere", "Ana"] {
        assert!(!opened.contains(word), "{word}");
    }
    assert!(opened.contains("Ben"), "the others are still there");
    let last = world.run(&["events", "--from", &erased.to_string(), "--format", "ndjson"]).await.expect(0).json();
    assert_eq!((&last["type"], &last["aggregateId"]), (&"account.erased".into(), &world.ana.to_string().into()));
    let then = world.run(&["show", "message", &message.to_string(), "--at", &sent.to_string()]).await.expect(0).json();
    assert_eq!(then["state"]["sent"]["content"], Value::Null);
    world.run(&["rebuild", "all"]).await.expect(0);
    world.run(&["verify", "all"]).await.expect(0);
});

each_engine!(where_there_is_no_log_none_is_made, |home| async move {
    let home = home.emptied().await;
    for arguments in [&["status"][..], &["verify", "all"], &["events"]] {
        let answer = run(&home, arguments).await.expect(2);
        assert!(answer.complaint.contains("there is no log"), "{answer:?}");
    }
    assert_nothing_was_made(&home).await;
});

async fn assert_nothing_was_made(home: &Home) {
    assert_eq!(fs::read_dir(home.folder()).unwrap().count(), 0);
    if let Some(url) = home.database_url() {
        let public = Database::connect(&Location::Postgres { url, schema: "public".to_owned() }, 1).await.unwrap();
        let made = query("SELECT nspname::TEXT FROM pg_namespace WHERE nspname LIKE 'chatchit%'");
        assert!(public.fetch_optional(made).await.unwrap().is_none());
        public.close().await;
    }
}
