//! Walking the chain from the end of any batch; every change is found.

use crate::support::{append, conversation, message, open, people, sent, settings, user};
use event_store::{ChainFault, EventStore};
use sql::{Database, Engine, query};
use testkit::each_engine;

async fn faults(store: &EventStore, from: u64) -> Vec<ChainFault> {
    let head = store.head().await.unwrap();
    let mut walk = store.walk_chain(from).await.unwrap().unwrap();
    let mut faults = Vec::new();
    while let Some(batch) = walk.next().await.unwrap() {
        assert!(batch.after < batch.position);
        faults.extend(batch.faults);
    }
    faults.extend(store.check_end(&head, walk.position()).await.unwrap());
    faults
}

each_engine!(a_chain_is_walked_from_any_batch_and_reveals_changes, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    for n in 1..=6 {
        let said = sent(message(n), conversation(1), user(1), "hello");
        store.append(append(&n.to_string(), vec![said])).await.unwrap();
    }
    let both =
        vec![sent(message(7), conversation(1), user(1), "two"), sent(message(8), conversation(1), user(1), "at once")];
    store.append(append("both", both)).await.unwrap();
    for from in [0, 3, 6, 8] {
        assert_eq!(faults(&store, from).await, [], "{from}");
    }
    for nothing in [7, 9] {
        assert!(store.walk_chain(nothing).await.unwrap().is_none(), "no batch ended at {nothing}");
    }

    let events = store.read_many(&[6, 2, 99, 4]).await.unwrap();
    assert_eq!(events.iter().map(|event| event.record.position).collect::<Vec<_>>(), [2, 4, 6]);
    assert_eq!(store.read_many(&[]).await.unwrap().len(), 0);

    let log = Database::connect(&settings(&home).location, 1).await.unwrap();
    let disarm = match log.engine() {
        Engine::Sqlite => vec!["DROP TRIGGER events_no_update", "DROP TRIGGER events_no_delete"],
        Engine::Postgres => vec!["ALTER TABLE events DISABLE TRIGGER ALL"],
    };
    for statement in disarm {
        log.execute(query(statement)).await.unwrap();
    }
    log.execute(query("UPDATE events SET recorded_at = 0 WHERE position = 4")).await.unwrap();
    assert_eq!(faults(&store, 0).await, [ChainFault::Digest(4)]);
    assert_eq!(faults(&store, 4).await, []);
    log.execute(query("DELETE FROM events WHERE position = 8")).await.unwrap();
    assert_eq!(faults(&store, 6).await, [ChainFault::Missing(8, 8), ChainFault::Chain(7, 8)]);
    assert_eq!(ChainFault::Missing(8, 8).position(), 8);
});

each_engine!(a_payload_is_unsealed_as_stored_and_an_erased_one_stays_sealed, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    store.append(append("1", vec![sent(message(1), conversation(1), user(1), "hello")])).await.unwrap();
    let event = store.read_at(1).await.unwrap().unwrap();
    let payload = store.unsealed(&event).await.unwrap();
    assert_eq!(payload["content"]["value"]["body"], "hello");
    store.destroy_data_key(user(1).0).await.unwrap();
    let payload = store.unsealed(&event).await.unwrap();
    assert!(payload["content"]["$sealed"].is_string(), "{payload}");
});

each_engine!(a_log_that_lost_its_end_is_recognised, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    assert!(store.has_last_seen_event().await.unwrap(), "no event was received");
    store.append(append("1", vec![sent(message(1), conversation(1), user(1), "hello")])).await.unwrap();
    let end = store.head().await.unwrap().position;
    let events = store.read_many(&[end - 1, end]).await.unwrap();
    events.iter().rev().for_each(|event| store.note_seen(event));
    assert!(store.has_last_seen_event().await.unwrap());
    let log = Database::connect(&settings(&home).location, 1).await.unwrap();
    let disarm = match log.engine() {
        Engine::Sqlite => vec!["DROP TRIGGER events_no_delete"],
        Engine::Postgres => vec!["ALTER TABLE events DISABLE TRIGGER ALL"],
    };
    for statement in disarm {
        log.execute(query(statement)).await.unwrap();
    }
    log.execute(query("DELETE FROM events WHERE position = $1").bind(end)).await.unwrap();
    assert!(!store.has_last_seen_event().await.unwrap());
});
