//! Rebuilding and verifying read models.

use crate::support::{WORDS, World, program};
use sql::query;
use std::{fs, fs::Permissions, os::unix::fs::PermissionsExt as _};
use testkit::each_engine;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

each_engine!(what_differs_is_named_and_a_rebuild_mends_it, |home| async move {
    let world = World::new(home).await;
    let (message, _) = world.say(WORDS).await;
    let (other, _) = world.say("and bring bread").await;

    let behind = world.run(&["status", "--json"]).await.expect(0).json();
    assert_eq!(behind["projections"][3]["name"], "messages");
    assert!(behind["projections"][3]["lag"].as_u64().unwrap() > 0, "{behind}");
    let rebuilt = world.run(&["rebuild", "all", "--json"]).await.expect(0).json();
    assert_eq!(rebuilt["swapped"], true);
    let status = world.run(&["status"]).await.expect(0);
    assert!(status.text.contains("messages       version 2  up to date, 0 parked"), "{status:?}");
    world.run(&["verify", "all"]).await.expect(0);

    let statement = query("UPDATE messages SET content = 'something else' WHERE id = $1").bind(message.0);
    assert_eq!(world.meddle(statement).await, 1);
    assert_eq!(world.meddle(query("DELETE FROM messages WHERE id = $1").bind(other.0)).await, 1);
    world.run(&["verify", "users"]).await.expect(0);
    let found = world.run(&["verify", "all"]).await.expect(1);
    assert!(found.text.contains("content is 'something else' and should be"), "{found:?}");
    assert!(found.text.contains("is missing"), "{found:?}");
    let found = world.run(&["verify", "messages", "--json"]).await.expect(1).json();
    assert_eq!(found["differences"].as_array().unwrap().len(), 2, "{found}");

    world.run(&["rebuild", "messages", "--no-swap"]).await.expect(0);
    world.run(&["verify", "messages"]).await.expect(1);
    world.run(&["rebuild", "messages", "--jobs", "3"]).await.expect(0);
    world.run(&["verify", "all"]).await.expect(0);
    world.run(&["rebuild", "massages"]).await.expect(2);
});

#[tokio::test]
async fn what_it_makes_is_its_owners_alone() {
    let world = World::new(testkit::Home::new(sql::Engine::Sqlite).await).await;
    world.say(WORDS).await;
    // The log of an earlier build, without read models.
    for file in ["log.db", "log.db-wal", "log.db-shm"] {
        fs::set_permissions(world.home.folder().join(file), Permissions::from_mode(0o644)).unwrap();
    }
    world.run(&["rebuild", "all"]).await.expect(0);
    let files = fs::read_dir(world.home.folder()).unwrap().map(|file| file.unwrap());
    let open = files.filter(|file| file.metadata().unwrap().permissions().mode() & 0o077 != 0);
    assert_eq!(open.map(|file| file.file_name()).collect::<Vec<_>>(), Vec::<std::ffi::OsString>::new());
    assert!(world.home.folder().join("read.db").exists());
}

each_engine!(the_audit_index_is_rebuilt_verified_and_used, |home| async move {
    let world = World::new(home).await;
    let (_, first) = world.say(WORDS).await;
    let ana = world.ana.to_string();
    let listed = async || {
        let listed = world.run(&["events", "--actor", &ana, "--type", "message.sent", "--format", "ndjson"]).await;
        let position = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["position"].as_u64();
        listed.expect(0).text.lines().filter_map(position).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [first], "without an index all is read");
    let rebuilt = world.run(&["rebuild", "audit", "--json"]).await.expect(0).json();
    assert_eq!((&rebuilt["projections"], &rebuilt["position"]), (&serde_json::json!(["audit"]), &first.into()));
    world.run(&["verify", "audit"]).await.expect(0);
    let (_, second) = world.say("and bring bread").await;
    assert_eq!(listed().await, [first, second], "by the index, and beyond it");

    world.meddle(query("UPDATE audit_events SET actor = NULL WHERE position = $1").bind(first)).await;
    assert_eq!(listed().await, [second], "the index is what is looked at");
    let found = world.run(&["verify", "audit"]).await.expect(1);
    assert!(found.text.contains(&format!("audit_events (position={first}) actor is null")), "{found:?}");
    let found = world.run(&["verify", "all", "--json"]).await.expect(1).json();
    assert_eq!(found["differences"][0]["projection"], "audit");
    world.run(&["rebuild", "audit"]).await.expect(0);
    assert_eq!(listed().await, [first, second]);
    world.run(&["verify", "audit"]).await.expect(0);
});

each_engine!(an_interrupted_rebuild_leaves_live_tables_alone_and_goes_on, |home| async move {
    let world = World::new(home).await;
    world.run(&["rebuild", "all"]).await.expect(0);
    // More than one page, so that there is a pause in which to interrupt.
    for _ in 0..1_200 {
        world.say("bread").await;
    }
    let marked = world.meddle(query("UPDATE users SET first_name = 'Nobody' WHERE id = $1").bind(world.ana.0)).await;
    assert_eq!(marked, 1);

    let arguments = ["rebuild", "all", "--jobs", "1", "--max-rate", "20"];
    let mut rebuild = program(&world.home, &arguments).spawn().unwrap();
    let mut lines = BufReader::new(rebuild.stderr.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    assert!(line.starts_with("rebuild: "), "{line}");
    let interrupt = format!("kill -INT {}", rebuild.id().unwrap());
    Command::new("sh").args(["-c", &interrupt]).status().await.unwrap();
    let mut rest = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        rest.push_str(&line);
    }
    assert_eq!(rebuild.wait().await.unwrap().code(), Some(2), "{rest}");
    assert!(rest.contains("the next rebuild goes on from here"), "{rest}");

    let found = world.run(&["verify", "users"]).await.expect(1);
    assert!(found.text.contains("first_name is 'Nobody'"), "{found:?}");
    world.run(&["rebuild", "all"]).await.expect(0);
    world.run(&["verify", "all"]).await.expect(0);
});
