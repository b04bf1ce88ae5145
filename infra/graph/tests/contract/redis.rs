//! Failures of Redis: outages, flushes, the graph of another log.

use super::support::{Arm, LOG, at, connect, conversation, friends, keys, node, session, until, user};
use graph::{Change, Graph, GraphError, Relation};
use std::{collections::BTreeSet, time::Duration};
use testkit::Cable;
use uuid::Uuid;

/// The address of the test Redis.
pub(crate) fn address() -> String {
    let url = testkit::redis_url();
    let rest = url.split_once("://").unwrap().1;
    let authority = rest.split('/').next().unwrap();
    authority.rsplit('@').next().unwrap().to_owned()
}

/// A graph behind a cable; the other one is the same graph without.
pub(crate) async fn behind(cable: &Cable) -> (Arm, Graph) {
    let arm = Arm::redis();
    assert!(arm.begin(at(0)).await.unwrap().publish().await.unwrap());
    let url = testkit::redis_url().replace(&address(), &cable.address().to_string());
    let graph = connect(&url, arm.namespace(), LOG);
    (arm, graph)
}

fn is_unavailable<T>(answer: &Result<T, GraphError>) -> bool {
    matches!(answer, Err(GraphError::Unavailable(_)))
}

#[tokio::test]
async fn a_disconnected_graph_is_unavailable_and_recovers() {
    let cable = Cable::to(address()).await;
    let (_arm, graph) = behind(&cable).await;
    assert_eq!(graph.friends(user(1)).await, Ok(BTreeSet::new()));
    assert!(graph.health().is_up());
    cable.cut();
    until("unavailable", async || !graph.health().is_up()).await;
    assert!(is_unavailable(&graph.friends(user(1)).await));
    assert!(is_unavailable(&graph.begin(at(0)).await));
    assert!(is_unavailable(&graph.lease(user(1), session(1), node(1), Duration::from_secs(9)).await));
    cable.mend();
    until("available", async || graph.friends(user(1)).await.is_ok()).await;
    assert!(graph.health().is_up());
    assert!(graph.stats().reconnections > 0);
}

#[tokio::test]
async fn a_connection_whose_task_dies_is_replaced_and_reported() {
    let arm = Arm::redis();
    assert!(arm.begin(at(0)).await.unwrap().publish().await.unwrap());
    let graph = connect(&testkit::redis_url(), arm.namespace(), LOG);
    assert!(graph.friends(user(1)).await.is_ok());
    let tasks = graph.supervisor().unwrap();
    tasks.inject("redis.connection");
    until("reported", async || tasks.down() == ["redis.connection"]).await;
    until("connected again", async || graph.stats().reconnections > 0 && graph.friends(user(1)).await.is_ok()).await;
}

#[tokio::test]
async fn a_silent_graph_times_out() {
    let cable = Cable::to(address()).await;
    let (_arm, graph) = behind(&cable).await;
    assert_eq!(graph.friends(user(1)).await, Ok(BTreeSet::new()));
    cable.hang();
    assert!(is_unavailable(&graph.friends(user(1)).await));
    until("unavailable", async || !graph.health().is_up()).await;
    cable.mend();
    until("available", async || graph.friends(user(1)).await.is_ok()).await;
    let stats = graph.stats();
    assert!(stats.timed_out > 0 && stats.reconnections > 0, "{stats:?}");
}

#[tokio::test]
async fn a_graph_that_starts_later_is_found() {
    let cable = Cable::to(address()).await;
    cable.cut();
    let (_arm, graph) = behind(&cable).await;
    assert!(is_unavailable(&graph.friends(user(1)).await));
    cable.mend();
    until("available", async || graph.friends(user(1)).await.is_ok()).await;
}

#[tokio::test]
async fn a_flush_is_noticed_and_an_incomplete_draft_is_not_published() {
    let arm = Arm::redis();
    let epoch = arm.begin(at(0)).await.unwrap();
    assert!(epoch.publish().await.unwrap());
    let draft = arm.begin(at(0)).await.unwrap();
    draft.apply_all(&[friends(1, true)]).await.unwrap();
    assert_eq!(arm.friends(user(1)).await, Ok(BTreeSet::new()));
    arm.flush();
    assert_eq!(arm.friends(user(1)).await, Err(GraphError::Rebuilding));
    assert!(arm.epoch().await.unwrap().is_none());
    assert!(!draft.publish().await.unwrap());
    let fresh = arm.begin(at(1_795_460_818_123)).await.unwrap();
    assert!(fresh.number() > draft.number());
    assert!(!draft.publish().await.unwrap());
    assert!(fresh.publish().await.unwrap());
    assert_eq!(arm.friends(user(1)).await, Ok(BTreeSet::new()));
}

#[tokio::test]
async fn the_graph_of_another_log_is_ignored() {
    let arm = Arm::redis();
    let theirs = arm.begin(at(0)).await.unwrap();
    theirs.apply_all(&[friends(1, true)]).await.unwrap();
    assert!(theirs.publish().await.unwrap());
    let ours = arm.elsewhere(Uuid::from_u128(78));
    assert_eq!(ours.friends(user(1)).await, Err(GraphError::Rebuilding));
    assert!(ours.epoch().await.unwrap().is_none());
    assert!(ours.begin(at(0)).await.unwrap().publish().await.unwrap());
    assert_eq!(ours.friends(user(1)).await, Ok(BTreeSet::new()));
    assert_eq!(arm.friends(user(1)).await, Err(GraphError::Rebuilding));
}

#[tokio::test]
async fn processes_share_one_graph_and_follow_its_epochs() {
    let arm = Arm::redis();
    let elsewhere = arm.elsewhere(LOG);
    for position in 1..4 {
        let epoch = arm.begin(at(0)).await.unwrap();
        epoch.apply_all(&[friends(position, position != 2)]).await.unwrap();
        assert!(epoch.publish().await.unwrap());
        let want = if position == 2 { BTreeSet::new() } else { BTreeSet::from([user(1)]) };
        assert_eq!(elsewhere.friends(user(2)).await, Ok(want));
    }
}

#[tokio::test]
async fn lost_scripts_are_sent_again() {
    let arm = Arm::redis();
    let epoch = arm.begin(at(0)).await.unwrap();
    let mut connection = ::redis::Client::open(testkit::redis_url()).unwrap().get_connection().unwrap();
    let changes: Vec<_> = (0..600)
        .map(|n| Relation::Member { conversation: conversation(n), user: user(n) })
        .map(|relation| (1, Change { relation, holds: true }))
        .collect();
    let before = arm.stats().scripts_sent;
    // Concurrent tests may load the script first.
    until("scripts were sent again", async || {
        ::redis::cmd("SCRIPT").arg("FLUSH").exec(&mut connection).unwrap();
        epoch.apply_all(&changes).await.unwrap();
        arm.stats().scripts_sent > before
    })
    .await;
    assert!(epoch.publish().await.unwrap());
    assert_eq!(arm.conversations(user(599)).await, Ok(BTreeSet::from([conversation(599)])));
}

#[tokio::test]
async fn old_epochs_are_swept_and_nothing_else() {
    let arm = Arm::redis();
    let old = arm.begin(at(0)).await.unwrap();
    old.apply_all(&[friends(1, true)]).await.unwrap();
    let current = arm.begin(at(0)).await.unwrap();
    current.apply_all(&[friends(1, true)]).await.unwrap();
    assert!(current.publish().await.unwrap());
    let draft = arm.begin(at(0)).await.unwrap();
    draft.apply_all(&[friends(1, true)]).await.unwrap();
    arm.lease(user(1), session(1), node(1), Duration::from_secs(9)).await.unwrap();
    assert_eq!(arm.sweep().await.unwrap(), 2);
    assert_eq!(arm.sweep().await.unwrap(), 0);
    assert_eq!(arm.friends(user(1)).await, Ok(BTreeSet::from([user(2)])));
    assert!(draft.publish().await.unwrap());
    assert_eq!(arm.friends(user(1)).await, Ok(BTreeSet::from([user(2)])));
    assert_eq!(arm.sessions(user(1)).await.unwrap(), BTreeSet::from([session(1)]));
}

#[tokio::test]
async fn redis_keeps_the_floor_of_dropped_relations() {
    let arm = Arm::redis();
    let epoch = arm.begin(at(0)).await.unwrap();
    let changes: Vec<_> = (0..600)
        .map(|n| Relation::Member { conversation: conversation(1), user: user(n) })
        .flat_map(|relation| [(1, Change { relation, holds: true }), (2, Change { relation, holds: false })])
        .collect();
    epoch.apply_all(&changes).await.unwrap();
    epoch.forget_ended(2).await.unwrap();
    let mut connection = ::redis::Client::open(testkit::redis_url()).unwrap().get_connection().unwrap();
    for key in keys(arm.namespace()).iter().filter(|key| key.ends_with(":ended")) {
        let fields: Vec<String> = ::redis::cmd("HKEYS").arg(key).query(&mut connection).unwrap();
        assert_eq!(fields, ["floor"]);
    }
}

#[tokio::test]
async fn leases_expire_in_redis_too() {
    let arm = Arm::redis();
    arm.lease(user(1), session(1), node(1), Duration::from_secs(9)).await.unwrap();
    let mut connection = ::redis::Client::open(testkit::redis_url()).unwrap().get_connection().unwrap();
    let keys = keys(arm.namespace());
    assert_eq!(keys.len(), 2);
    for key in keys {
        let expiry: i64 = ::redis::cmd("PTTL").arg(key).query(&mut connection).unwrap();
        assert!(expiry > 0);
    }
}

#[tokio::test]
async fn invalid_settings_are_refused_without_quoting_the_password() {
    let connect = |url: &str, namespace: &str| {
        let (url, namespace) = (url.to_owned(), namespace.to_owned());
        Graph::redis(graph::RedisSettings { url, namespace, log: LOG })
    };
    for (url, namespace) in [
        ("http://:secret@127.0.0.1/", "test"),
        ("redis://:secret@127.0.0.1:no/", "test"),
        ("redis://:secret@127.0.0.1/", "a{b}"),
    ] {
        let error = connect(url, namespace).unwrap_err();
        assert!(matches!(error, GraphError::Settings(_)), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let graph = connect("redis://:secret@127.0.0.1:1/", "test").unwrap();
    let Err(error) = graph.friends(user(1)).await else { panic!("no server listens there") };
    let text = format!("{error} {:?} {graph:?}", graph.health());
    assert!(!text.contains("secret"), "{text}");
}
