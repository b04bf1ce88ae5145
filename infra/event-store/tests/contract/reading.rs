//! Reads of events.

use crate::{audit::audit, support::*};
use cqrs_es::persist::PersistedEventRepository;
use domain::{AggregateType, Partition, Tier, conversation::Conversation, message::MessageEvent};
use event_store::{EventStore, Selection, StreamId};
use postgres_es::PostgresEventRepository;
use testkit::{Engine, Home, each_engine};
use tokio::task::JoinSet;

/// Three rooms, each with a deleted message.
async fn three_rooms(store: &EventStore) {
    people(store, 1).await;
    for n in 1..=3 {
        let room = conversation(n);
        let deleted = MessageEvent::Deleted { conversation: room, by: user(1) };
        let events =
            vec![created(room, &[user(1)]), sent(message(n), room, user(1), "hi"), of_message(message(n), 2, deleted)];
        store.append(append(&format!("room {n}"), events)).await.unwrap();
    }
}

each_engine!(a_selection_is_read_in_position_order, |home| async move {
    let (store, _batches) = open(&home).await;
    three_rooms(&store).await;
    let log = audit(&store).await;
    let partitions = [Partition::of(conversation(1).0, PARTITIONS).0, Partition::of(conversation(2).0, PARTITIONS).0];
    let lane = log[4].event.record.lane;
    let selections = [
        Selection::All,
        Selection::Tier(Tier::High),
        Selection::Tier(Tier::Medium),
        Selection::Lane(lane),
        Selection::Partitions(partitions.to_vec()),
        Selection::Partitions(Vec::new()),
    ];
    for selection in &selections {
        for (after, limit) in [(0, 100), (2, 100), (2, 2), (9, 100)] {
            let read = store.read_after(after, selection, limit).await.unwrap();
            let read: Vec<_> = read.iter().map(|event| event.record.position).collect();
            let chosen = log.iter().map(|linked| &linked.event.record).filter(|record| match selection {
                Selection::All => true,
                Selection::Tier(tier) => record.lane.tier == *tier,
                Selection::Lane(lane) => record.lane == *lane,
                Selection::Partitions(partitions) => partitions.contains(&record.lane.partition.0),
            });
            let positions = chosen.map(|record| record.position).filter(|position| *position > after);
            assert_eq!(read, positions.take(limit as usize).collect::<Vec<_>>(), "{selection:?} {after} {limit}");
        }
    }
});

each_engine!(streams_are_read_by_version, |home| async move {
    let (store, _batches) = open(&home).await;
    three_rooms(&store).await;
    let stream = |n| StreamId::new(AggregateType::Message, message(n));
    let sequences = |events: Vec<std::sync::Arc<event_store::RecordedEvent>>| -> Vec<_> {
        events.iter().map(|event| (event.stream().unwrap(), event.record.sequence)).collect()
    };
    assert_eq!(sequences(store.load(stream(1), 0).await.unwrap()), [(stream(1), 1), (stream(1), 2)]);
    assert_eq!(sequences(store.load(stream(1), 1).await.unwrap()), [(stream(1), 2)]);
    assert_eq!(sequences(store.load(stream(9), 0).await.unwrap()), []);
    let many = [(stream(3), u64::MAX), (stream(1), 1), (stream(9), 5), (stream(2), 0)];
    let read = sequences(store.load_many(&many).await.unwrap());
    assert_eq!(read, [(stream(1), 1), (stream(3), 1), (stream(3), 2)]);
    assert!(store.load_many(&[]).await.unwrap().is_empty());
    assert!(store.read_at(99).await.unwrap().is_none());
});

each_engine!(a_log_is_the_same_log_when_it_is_opened_again, |home| async move {
    let (store, batches) = open(&home).await;
    three_rooms(&store).await;
    let (incarnation, head) = (store.incarnation(), store.head().await.unwrap());
    drop((store, batches));
    let mut otherwise = settings(&home);
    otherwise.partitions = 16;
    let (store, _batches) = EventStore::open(otherwise).await.unwrap();
    assert_eq!((store.incarnation(), store.partitions()), (incarnation, PARTITIONS));
    assert_eq!(store.head().await.unwrap(), head);
    assert_eq!(audit(&store).await.len(), 9);
});

each_engine!(several_processes_can_create_a_log_at_once, |home| async move {
    let makers: JoinSet<_> = (0..4).map(|_| EventStore::open(settings(&home))).collect();
    let stores: Vec<_> = makers.join_all().await.into_iter().map(|opened| opened.unwrap().0).collect();
    assert!(stores.iter().all(|store| store.incarnation() == stores[0].incarnation()));
    assert_eq!(audit(&stores[0]).await.len(), 0);
});

#[tokio::test]
async fn postgres_es_reads_our_events() {
    let home = Home::new(Engine::Postgres).await;
    let (store, _batches) = open(&home).await;
    three_rooms(&store).await;
    let options: sqlx::postgres::PgConnectOptions = home.database_url().unwrap().parse().unwrap();
    let pool = sqlx::PgPool::connect_with(options.options([("search_path", "chatchit_log")])).await.unwrap();
    let repository = PostgresEventRepository::new(pool);
    let events = repository.get_events::<Conversation>(&conversation(1).to_string()).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].sequence, events[0].event_type.as_str()), (1, "conversation.created"));
    assert_eq!((events[0].event_version.as_str(), &events[0].metadata), ("2", &serde_json::json!({})));
}
