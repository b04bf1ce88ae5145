//! What only Redis can do to us: be away, forget, belong to another log.

use super::support::{Arm, LOG, at, connect, conversation, friends, keys, node, session, until, user};
use graph::{Change, Graph, GraphError, Relation};
use std::{collections::BTreeSet, time::Duration};
use testkit::Cable;
use uuid::Uuid;

/// Where the test Redis listens.
pub(crate) fn address() -> String {
    let url = testkit::redis_url();
    let rest = url.split_once("://").unwrap().1;
    let authority = rest.split('/').next().unwrap();
    authority.rsplit('@').next().unwrap().to_owned()
}

/// A graph behind a cable; the arm is the same graph without.
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
async fn a_graph_cut_off_says_so_and_comes_back() {
    let cable = Cable::to(address()).await;
    let (_arm, graph) = behind(&cable).await;
    assert_eq!(graph.friends(user(1)).await, Ok(BTreeSet::new()));
    assert!(graph.health().is_up());
    cable.cut();
    until("away", async || !graph.health().is_up()).await;
    assert!(is_unavailable(&graph.friends(user(1)).await));
    assert!(is_unavailable(&graph.begin(at(0)).await));
    assert!(is_unavailable(&graph.lease(user(1), session(1), node(1), Duration::from_secs(9)).await));
    cable.mend();
    until("back", async || graph.friends(user(1)).await.is_ok()).await;
    assert!(graph.health().is_up());
    assert!(graph.stats().reconnections > 0);
}

#[tokio::test]
async fn a_graph_that_falls_silent_is_given_up() {
    let cable = Cable::to(address()).await;
    let (_arm, graph) = behind(&cable).await;
    assert_eq!(graph.friends(user(1)).await, Ok(BTreeSet::new()));
    cable.hang();
    assert!(is_unavailable(&graph.friends(user(1)).await));
    until("away", async || !graph.health().is_up()).await;
    cable.mend();
    until("back", async || graph.friends(user(1)).await.is_ok()).await;
    let stats = graph.stats();
    assert!(stats.timed_out > 0 && stats.reconnections > 0, "{stats:?}");
}

#[tokio::test]
async fn a_graph_that_was_never_there_is_found_when_it_comes() {
    let cable = Cable::to(address()).await;
    cable.cut();
    let (_arm, graph) = behind(&cable).await;
    assert!(is_unavailable(&graph.friends(user(1)).await));
    cable.mend();
    until("there", async || graph.friends(user(1)).await.is_ok()).await;
}

#[tokio::test]
async fn a_flush_is_told_and_a_draft_that_lost_something_is_not_published() {
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
async fn the_graph_of_another_log_is_none() {
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
async fn forgotten_scripts_are_told_again() {
    let arm = Arm::redis();
    let epoch = arm.begin(at(0)).await.unwrap();
    let mut connection = ::redis::Client::open(testkit::redis_url()).unwrap().get_connection().unwrap();
    let changes: Vec<_> = (0..600)
        .map(|n| Relation::Member { conversation: conversation(n), user: user(n) })
        .map(|relation| (1, Change { relation, holds: true }))
        .collect();
    let before = arm.stats().scripts_sent;
    // Tests beside this one may tell Redis the script first.
    until("scripts were told again", async || {
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
async fn bad_settings_are_refused_and_no_password_is_told() {
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
    let Err(error) = graph.friends(user(1)).await else { panic!("nobody listens there") };
    let told = format!("{error} {:?} {graph:?}", graph.health());
    assert!(!told.contains("secret"), "{told}");
}
