//! Reactors: repetition, checkpoints and parked reactions.

use broker::Broker;
use commands::{CommandError, Commands};
use commands_testkit::*;
use domain::ConversationId;
use event_store::{EventStore, ParkedReaction, RecordedEvent, Selection};
use jobs::{Checkpoints, Job as _, React, Reactor};
use std::{future::Future, sync::Arc, time::Duration};
use testkit::{Home, Newer, each_engine};
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
    let running = Running::start(&home, &commands, reactor, "one").await;
    eventually("the group is closed", || async { deletions(&store).await == 1 }).await;
    let saved = checkpoints(&home).await;
    let deleted = log(&store).await.last().unwrap().record.clone();
    let partition = deleted.lane.partition;
    eventually("the checkpoint is saved", || async {
        saved.load(reactor, partitions).await.unwrap()[&partition].high >= deleted.position
    })
    .await;
    running.end().await;

    let marks = saved.load(reactor, partitions).await.unwrap();
    // A process that is behind does not set it back.
    let behind = marks.keys().map(|partition| (*partition, broker::Marks::default())).collect();
    saved.save(reactor, &behind).await.unwrap();
    assert_eq!(saved.load(reactor, partitions).await.unwrap(), marks);

    let running = Running::start(&home, &commands, reactor, "one").await;
    let us = deserted_again(&commands).await;
    eventually("the next one is closed", || async { !commands.conversation(us).await.unwrap().state.is_live() }).await;
    assert_eq!(deletions(&store).await, 2);
    running.end().await;
});

async fn deserted_again(commands: &Commands) -> ConversationId {
    let cleo = person(commands, "cleo").await;
    let alone = group(commands, &cleo, &[]).await;
    commands.leave(&cleo.ctx, alone).await.unwrap();
    alone
}

/// The reactor of a build, at work over a log.
struct Running {
    task: tokio::task::JoinHandle<()>,
    stop: CancellationToken,
    _broker: Broker,
}

impl Running {
    async fn start(home: &Home, commands: &Commands, reactor: Reactor, build: &str) -> Self {
        let checkpoints = checkpoints(home).await.of_build(build);
        let (broker, stop) = (Broker::in_process(16), CancellationToken::new());
        let job = React { reactor, commands: commands.clone(), broker: broker.clone(), checkpoints };
        Self { task: tokio::spawn(job.run(stop.clone())), stop, _broker: broker }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn parked(store: &EventStore) -> Vec<ParkedReaction> {
    store.parked_reactions(None, 100).await.unwrap()
}

async fn is_past(home: &Home, store: &EventStore, reactor: Reactor, position: u64) -> bool {
    let partition = store.read_at(position).await.unwrap().unwrap().record.lane.partition;
    checkpoints(home).await.load(reactor, store.partitions()).await.unwrap()[&partition].high >= position
}

each_engine!(an_event_of_a_newer_build_waits_for_a_build_that_knows_it, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let us = deserted(&commands).await;
    let left = log(&store).await.last().unwrap().record.clone();
    assert_eq!(left.event_type, "member.left");
    let reactor = Reactor::CloseEmptyConversations;
    // The reactor has not seen the group being left but by events of a version, and of a type, that it does not know.
    let newer = Newer::open(&home).await;
    newer.learn(left.position, "member.left", 99).await;
    let before = log(&store).await.iter().rev().nth(1).unwrap().record.clone();
    newer.learn(before.position, "member.vanished", 1).await;
    // A new cache, without what was readable.
    let ignorant = Commands::new(open(&home).await, settings());
    let older = Running::start(&home, &ignorant, reactor, "older").await;
    eventually("the checkpoint is past them", || is_past(&home, &store, reactor, left.position)).await;
    let waiting = parked(&store).await;
    let names: Vec<_> = waiting.iter().map(|parked| (parked.event_type.as_str(), parked.state())).collect();
    assert_eq!(names, [("member.vanished", "unreadable"), ("member.left", "unreadable")]);
    assert_eq!(waiting[1].id.to_string(), format!("reactor.close_empty_conversations:{}", left.position));
    assert_eq!(store.count_unreadable_reactions().await.unwrap(), 2);
    assert_eq!(deletions(&store).await, 0);
    older.end().await;

    newer.learn(left.position, "member.left", 1).await;
    newer.learn(before.position, "member.left", 1).await;
    // A new cache, without what was unreadable.
    let commands = Commands::new(open(&home).await, settings());
    let knowing = Running::start(&home, &commands, reactor, "newer").await;
    eventually("the group is closed", || async { deletions(&store).await == 1 }).await;
    eventually("nothing is parked", || async { parked(&store).await.is_empty() }).await;
    assert!(!commands.conversation(us).await.unwrap().state.is_live());
    knowing.end().await;
});

each_engine!(a_reaction_that_fails_is_parked_and_tried_again, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    deserted(&commands).await;
    let reactor = Reactor::CloseEmptyConversations;
    let left: Vec<_> = log(&store).await.iter().rev().take(2).map(|event| event.record.position).collect();
    // The keys of these reactions were used for another request.
    let database = sql::Database::connect(&home.log(), 1).await.unwrap();
    for position in &left {
        let sql = "INSERT INTO command_keys (owner, key, request_hash, position, forever, created_at)
            VALUES ('reactor', $1, $2, NULL, TRUE, 0)";
        let key = format!("{}:{position}", reactor.name());
        database.execute(sql::query(sql).bind(key).bind(vec![0_u8; 32])).await.unwrap();
    }
    let running = Running::start(&home, &commands, reactor, "one").await;
    eventually("both are parked", || async { parked(&store).await.len() == 2 }).await;
    let failed = parked(&store).await.pop().unwrap();
    assert_eq!((failed.state(), failed.id.position), ("waiting", left[0]));
    assert!(failed.attempts >= 1, "{failed:?}");
    assert!(failed.retry_at > Some(failed.parked_at), "{failed:?}");
    assert!(failed.error.contains("KeyReused"), "{failed:?}");
    eventually("the checkpoint is past it", || is_past(&home, &store, reactor, left[0])).await;
    assert_eq!(store.count_parked_reactions().await.unwrap(), 2, "both events, and neither stops the other");
    assert_eq!(store.count_unreadable_reactions().await.unwrap(), 0, "they failed");

    database.execute(sql::query("DELETE FROM command_keys WHERE owner = 'reactor'")).await.unwrap();
    for parked in parked(&store).await {
        assert!(store.retry_reaction(&parked.id).await.unwrap());
    }
    eventually("the group is closed", || async { deletions(&store).await == 1 }).await;
    eventually("nothing is parked", || async { parked(&store).await.is_empty() }).await;
    assert!(!store.discard_reaction(&failed.id).await.unwrap());
    running.end().await;
});

each_engine!(one_group_that_fails_does_not_keep_an_erased_person_in_the_others, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let mut groups = Vec::new();
    for _ in 0..3 {
        groups.push(group(&commands, &bob, &[&ana]).await);
    }
    commands.erase(&ana.ctx, None).await.unwrap();
    let erased = log(&store).await.last().unwrap().clone();
    assert_eq!(erased.record.event_type, "account.erased");
    // The key under which the reactor leaves the first of them was used for something else.
    let first = store.streams_involving(ana.id.0).await.unwrap()[0].id;
    let sql = "INSERT INTO command_keys (owner, key, request_hash, position, forever, created_at)
        VALUES ('reactor', $1, $2, NULL, TRUE, 0)";
    let key = format!("settle_accounts:{}:{first}", erased.record.position);
    let database = sql::Database::connect(&home.log(), 1).await.unwrap();
    database.execute(sql::query(sql).bind(key).bind(vec![0_u8; 32])).await.unwrap();
    let failed = Reactor::SettleAccounts.react(&commands, &erased).await.unwrap_err();
    assert!(matches!(failed, CommandError::KeyReused), "{failed:?}");
    for us in groups {
        let is_in = commands.conversation(us).await.unwrap().state.active().any(|member| member == ana.id);
        assert_eq!(is_in, us.0 == first, "{us}");
    }
});
