//! A tool of one build on tables of another: a reading task changes nothing.

use crate::support::{WORDS, World};
use sql::{Database, Location, query};
use testkit::each_engine;

const LOOKING: [&[&str]; 7] = [
    &["status"],
    &["events"],
    &["show", "user", "00000000-0000-0000-0000-000000000000"],
    &["chain", "verify"],
    &["chain", "head"],
    &["verify", "all"],
    &["dead-letters", "list"],
];

async fn migrations(location: &Location) -> Vec<i64> {
    let database = Database::connect(location, 1).await.unwrap();
    let rows = database.fetch_all(query("SELECT version FROM _sqlx_migrations ORDER BY version")).await.unwrap();
    rows.iter().map(|row| row.get("version").unwrap()).collect()
}

async fn change(location: &Location, sql: &'static str) {
    Database::connect(location, 1).await.unwrap().execute(query(sql)).await.unwrap();
}

const BEYOND: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    SELECT 9999, 'more', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
const BREAKING: &str = "UPDATE _sqlx_migrations SET description = 'breaking less' WHERE version = 9999";
const BACK: &str = "DELETE FROM _sqlx_migrations WHERE version = 9999 OR version = (
    SELECT MAX(version) FROM _sqlx_migrations WHERE version < 9999)";

each_engine!(tables_of_another_build_are_refused_and_left_alone, |home| async move {
    let world = World::new(home).await;
    world.say(WORDS).await;
    world.run(&["rebuild", "all"]).await.expect(0);
    for place in [world.home.log(), world.home.read_models()] {
        change(&place, BEYOND).await;
        let beyond = migrations(&place).await;
        for looking in LOOKING {
            let refused = world.run(looking).await.expect(2).complaint;
            assert!(refused.contains("newer than this build") && refused.contains("9999 (more)"), "{refused}");
        }
        assert_eq!(migrations(&place).await, beyond);
        // Additive migrations do not prevent a rebuild; breaking ones do.
        world.run(&["rebuild", "users"]).await.expect(0);
        change(&place, BREAKING).await;
        let refused = world.run(&["rebuild", "users"]).await.expect(2).complaint;
        assert!(refused.contains("not compatible with migration 9999"), "{refused}");

        let database = Database::connect(&place, 1).await.unwrap();
        let newest =
            "SELECT version, checksum FROM _sqlx_migrations WHERE version < 9999 ORDER BY version DESC LIMIT 1";
        let newest = database.fetch_optional(query(newest)).await.unwrap().unwrap();
        let (newest, checksum): (i64, Vec<u8>) = (newest.get("version").unwrap(), newest.get("checksum").unwrap());
        change(&place, BACK).await;
        let behind = migrations(&place).await;
        assert_eq!(behind.len() + 2, beyond.len());
        for looking in LOOKING {
            let refused = world.run(looking).await.expect(2).complaint;
            assert!(refused.contains("older than this build"), "{refused}");
        }
        assert_eq!(migrations(&place).await, behind, "nothing was migrated");
        let note = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES ($1, 'again', TRUE, $2, 0)";
        database.execute(query(note).bind(newest).bind(checksum)).await.unwrap();
        world.run(&["status"]).await.expect(0);
    }
});

each_engine!(without_read_models_the_log_is_read_and_none_are_made, |home| async move {
    let world = World::new(home).await;
    let (message, _) = world.say(WORDS).await;
    let status = world.run(&["status", "--json"]).await.expect(0).json();
    assert_eq!(status["parkedReactions"], 0);
    world.run(&["events"]).await.expect(0);
    world.run(&["show", "message", &message.to_string()]).await.expect(0);
    world.run(&["chain", "verify"]).await.expect(0);
    world.run(&["dead-letters", "list"]).await.expect(0);
    let refused = world.run(&["verify", "all"]).await.expect(2);
    assert!(refused.complaint.contains("there are no read models yet"), "{refused:?}");
    assert!(!Database::exists(&world.home.read_models()).await.unwrap());
});

each_engine!(a_parked_reaction_is_listed_retried_and_given_up, |home| async move {
    let world = World::new(home).await;
    let park =
        "INSERT INTO parked_reactions (reactor, position, aggregate_type, aggregate_id, event_type, error, attempts,
        parked_at, retry_at, build) SELECT 'leave_calls', 3, 'conversation', scope, 'member.vanished', 'unknown', 1, 0,
        NULL, 'older' FROM events WHERE position = 3";
    change(&world.home.log(), park).await;
    let id = "reactor.leave_calls:3";
    let listed = world.run(&["dead-letters", "list"]).await.expect(0).text;
    assert!(listed.starts_with(id) && listed.contains("waiting for a build that can read it"), "{listed}");
    let listed = world.run(&["dead-letters", "list", "--json"]).await.expect(0).json();
    assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&id.into(), &"unreadable".into()));
    world.run(&["dead-letters", "retry", id]).await.expect(0);
    let listed = world.run(&["dead-letters", "list", "--json"]).await.expect(0).json();
    assert_eq!(listed[0]["state"], "waiting");
    assert!(listed[0]["retryAt"].as_str().unwrap().starts_with("1970-01-01T00:00:00"), "{listed}");
    world.run(&["dead-letters", "discard", id]).await.expect(0);
    world.run(&["dead-letters", "discard", id]).await.expect(2);
    world.run(&["dead-letters", "retry", "reactor.x"]).await.expect(2);
});
