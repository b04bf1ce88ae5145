//! Guarantees of the engine: no event is changed, and no command is acknowledged before it is durable.

use crate::{audit::audit, support::*};
use event_store::EventStore;
use sql::{Database, Durability, Location, query};
use sqlx::{Connection, Executor, PgConnection};
use testkit::{Engine, Home, each_engine};

each_engine!(recorded_events_cannot_be_changed, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    store.append(append("one", vec![sent(message(1), conversation(1), user(1), "hi")])).await.unwrap();
    let database = Database::connect(&home.log(), 1).await.unwrap();
    let mut attacks = vec![
        "UPDATE events SET payload = '{}'",
        "UPDATE events SET position = 5",
        "DELETE FROM events",
        "UPDATE ledger SET last_position = 5",
        "DELETE FROM ledger",
    ];
    match database.engine() {
        Engine::Sqlite => attacks.extend([
            "INSERT OR REPLACE INTO events SELECT * FROM events",
            "REPLACE INTO events SELECT position + 1, aggregate_type, aggregate_id, sequence, event_type, event_version,
                '{}', metadata, scope, scope_seq, tier, partition, actor, correlation_id, causation_id, command_key,
                recorded_at, digest FROM events",
            "REPLACE INTO ledger SELECT * FROM ledger",
        ]),
        Engine::Postgres => attacks.extend(["TRUNCATE events", "TRUNCATE ledger"]),
    }
    for attack in attacks {
        let refused = database.execute(query(attack)).await.err();
        assert!(refused.is_some_and(|error| error.to_string().contains("is append-only")), "{attack}");
    }
    assert_eq!(audit(&store).await.len(), 1);
});

#[tokio::test]
async fn a_server_that_would_lose_acknowledged_commands_is_refused() {
    let home = Home::new(Engine::Postgres).await;
    let url = home.database_url().unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    connection.execute(format!("ALTER DATABASE {name} SET synchronous_commit = off").as_str()).await.unwrap();
    let refused = EventStore::open(settings(&home)).await.err().unwrap();
    assert!(refused.to_string().contains("synchronous_commit off"), "{refused}");
}

#[tokio::test]
async fn a_file_that_would_lose_acknowledged_commands_is_refused() {
    let home = Home::new(Engine::Sqlite).await.emptied().await;
    let mut settings = settings(&home);
    settings.location = Location::Sqlite { path: home.folder().join("log.db"), durability: Durability::Normal };
    let refused = EventStore::open(settings).await.err().unwrap();
    assert!(refused.to_string().contains("without full durability"), "{refused}");
    assert!(!home.folder().join("log.db").exists());
}
