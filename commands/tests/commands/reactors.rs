//! Reactors: what follows from an event follows once, however often it is reacted to.

use crate::support::*;
use broker::{Broker, Interest};
use commands::{
    Commands,
    reactor::{self, Checkpoints, Reactor},
};
use domain::{ConversationId, Lane, Partition, Tier};
use event_store::{EventStore, RecordedEvent, Selection};
use std::{future::Future, sync::Arc, time::Duration};
use testkit::{Home, each_engine};
use tokio_util::sync::CancellationToken;

async fn log(store: &EventStore) -> Vec<Arc<RecordedEvent>> {
    store.read_after(0, &Selection::All, 1_000).await.unwrap()
}

async fn deletions(store: &EventStore) -> usize {
    log(store).await.iter().filter(|event| event.record.event_type == "conversation.deleted").count()
}

/// A group of two that both have left.
async fn deserted(commands: &Commands) -> ConversationId {
    let (ana, bob) = (person(commands, "ana").await, person(commands, "bob").await);
    let us = group(commands, &ana, &[&bob]).await;
    for person in [&ana, &bob] {
        commands.leave(&person.ctx, us).await.unwrap();
    }
    us
}

async fn checkpoints(home: &Home) -> Checkpoints {
    Checkpoints::new(sql::Database::connect(&home.log(), 2).await.unwrap())
}

async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let met = async {
        while !condition().await {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), met).await.expect(what);
}

each_engine!(an_empty_group_is_closed_once, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let us = deserted(&commands).await;
    // Twice over: the command happened, and the crash came before the checkpoint.
    for _ in 0..2 {
        for event in log(&store).await {
            Reactor::CloseEmptyConversations.react(&commands, &event).await.unwrap();
        }
    }
    assert!(!commands.conversation(us).await.unwrap().state.is_live());
    assert_eq!(deletions(&store).await, 1);
    let events = log(&store).await;
    let deleted = &events.last().unwrap().record;
    assert_eq!((deleted.event_type.as_str(), deleted.origin.actor), ("conversation.deleted", None));
    assert!(deleted.origin.causation_id.is_some());
});

each_engine!(a_group_with_a_member_stays, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    commands.kick(&ana.ctx, us, bob.id).await.unwrap();
    for event in log(&store).await {
        Reactor::CloseEmptyConversations.react(&commands, &event).await.unwrap();
    }
    assert!(commands.conversation(us).await.unwrap().state.is_live());
});

each_engine!(a_reactor_goes_on_where_it_stopped, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    deserted(&commands).await;
    let partitions = store.partitions();
    let reactor = Reactor::CloseEmptyConversations;
    let start = || async {
        let broker = Broker::in_process(16);
        let lanes = Tier::DURABLE
            .iter()
            .flat_map(|tier| (0..partitions).map(|n| Lane { tier: *tier, partition: Partition(n) }));
        let hints = broker.subscribe(Interest::Lanes { queue: reactor.name().to_owned(), lanes: lanes.collect() });
        let stop = CancellationToken::new();
        let task = reactor::run(reactor, commands.clone(), hints, checkpoints(&home).await, stop.clone());
        (tokio::spawn(task), stop, broker)
    };
    let (task, stop, _broker) = start().await;
    eventually("the group is closed", || async { deletions(&store).await == 1 }).await;
    let saved = checkpoints(&home).await;
    let deleted = log(&store).await.last().unwrap().record.clone();
    let partition = deleted.lane.partition;
    eventually("the checkpoint is saved", || async {
        saved.load(reactor, partitions).await.unwrap()[&partition].high >= deleted.position
    })
    .await;
    stop.cancel();
    task.await.unwrap();

    let marks = saved.load(reactor, partitions).await.unwrap();
    // A process that is behind does not set it back.
    let behind = marks.keys().map(|partition| (*partition, broker::Marks::default())).collect();
    saved.save(reactor, &behind).await.unwrap();
    assert_eq!(saved.load(reactor, partitions).await.unwrap(), marks);

    let (task, stop, _broker) = start().await;
    let us = deserted_again(&commands).await;
    eventually("the next one is closed", || async { !commands.conversation(us).await.unwrap().state.is_live() }).await;
    assert_eq!(deletions(&store).await, 2);
    stop.cancel();
    task.await.unwrap();
});

async fn deserted_again(commands: &Commands) -> ConversationId {
    let cleo = person(commands, "cleo").await;
    let alone = group(commands, &cleo, &[]).await;
    commands.leave(&cleo.ctx, alone).await.unwrap();
    alone
}
